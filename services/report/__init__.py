"""The report of a pool: one self-contained HTML file."""
