"""docs/api.md, written from the contract in protos/ (`make docs`)."""
