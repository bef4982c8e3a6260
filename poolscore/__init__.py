"""Choose the unlabeled images that teach a CLIP model a new task with the fewest labels."""

__version__ = "0.1.0"
