"""`poolscore report`: one page about a pool, from its catalog and its file store."""
