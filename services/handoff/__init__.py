"""Batches to annotation tools and what was answered there back: one file format a module."""
