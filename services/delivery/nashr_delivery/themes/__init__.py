"""Theme folders: what they hold, how they are read, checked, packed and previewed."""
