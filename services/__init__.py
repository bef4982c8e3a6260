"""What stays up: the gRPC API on Ray Serve, the trainer actor, the run workers."""
