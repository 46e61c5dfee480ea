"""HTTP to commands and back, nothing else."""
