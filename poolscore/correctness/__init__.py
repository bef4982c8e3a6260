"""How likely a prediction is right, by more than one witness."""
