"""What a card costs beside what other programs make of the same words and photo, and who sets words right."""
