"""One command a file: `serve` starts the service, the others speak gRPC with it."""
