"""What nashr costs and how fast it is, measured from outside its processes. ``python benchmarks/run.py``."""
