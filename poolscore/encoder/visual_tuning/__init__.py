"""Tuning inside a frozen vision transformer: deep visual prompts, or low-rank attention weights."""
