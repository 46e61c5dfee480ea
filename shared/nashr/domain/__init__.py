"""The newsroom's nouns and rules. Pure: no clock, no randomness, no I/O."""
