"""Benchmarks, one subject a file; each defines `BENCHMARKS`."""
