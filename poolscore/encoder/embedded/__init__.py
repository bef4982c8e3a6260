"""The embedded model: a small image and text encoder that works without network."""
