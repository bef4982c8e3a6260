"""The `poolscore` command."""
