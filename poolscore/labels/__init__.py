"""Answers of annotators."""
