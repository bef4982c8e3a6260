"""Catalog, shards, manifests, leases."""
