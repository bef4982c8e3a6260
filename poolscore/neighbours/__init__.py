"""The nearest-neighbour graph of a pool, and the photographs that it holds more than once."""
