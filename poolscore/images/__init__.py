"""Pictures as people have them: bytes in, upright RGB or a typed reject out."""
