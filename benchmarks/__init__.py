"""How fast neurogister is beside its peers: ``python -m benchmarks`` (see docs/benchmarks.md)."""
