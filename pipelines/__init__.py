"""Ray Data jobs: sources, embedding, re-scoring, ranking, training."""
