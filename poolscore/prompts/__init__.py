"""Dual prompts: learner, losses, training, the prompt-version artefact."""
