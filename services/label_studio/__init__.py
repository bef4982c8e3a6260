"""Keeps a project of Label Studio filled from a pool's ranking and records its annotations."""
