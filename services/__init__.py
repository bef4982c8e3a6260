"""What stays up: the gRPC API on Ray Serve, the trainer actor, the run workers."""

import pipelines as pipelines  # sets Ray's environment before any module here imports Ray
