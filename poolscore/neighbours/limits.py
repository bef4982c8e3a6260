"""How many neighbours an image may have; for those that only check a request."""

NEIGHBOURS = 20
"""Neighbours of each image unless somebody asks for another number."""
MOST_NEIGHBOURS = 256
"""At most: a graph takes 8 bytes for each of them and each image."""
