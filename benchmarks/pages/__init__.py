"""What a publication costs as the archive grows."""
