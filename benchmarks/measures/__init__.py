"""One module per benchmark; each takes a Bench and returns its tables and verdicts."""
