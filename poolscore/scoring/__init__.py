"""The kernel: embeddings and prompts in, scores out."""
