"""Metrics of pools, from the catalog: they survive restarts and are the same everywhere."""
