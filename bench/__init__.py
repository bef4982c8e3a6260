"""Benchmarks against a peer, with a floor below which a change fails."""
