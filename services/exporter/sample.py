"""One number of a page."""

from poolscore.metric import Metric

Sample = tuple[Metric, tuple[str, ...], float]
"""A metric, the values of its labels after the pool's, and its value."""
