"""open_clip models: loading, images, texts, learned contexts."""
