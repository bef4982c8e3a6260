"""Metrics of classifiers and of uncertainty."""
