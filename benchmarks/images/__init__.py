"""What renditions cost beside what other programs make of the same photos, and how good they look."""
