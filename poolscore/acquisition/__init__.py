"""Strategies that choose what to label, one a file, behind one registry."""
