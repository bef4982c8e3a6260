"""Generated stubs of the public contract `poolscore.v1`; written by `make protos`."""
