"""Builds the embedded model from public packages: ``python -m poolscore.encoder.embedded.build``.

The package is needed only to rebuild the model file. Install ``requirements.txt`` first.
"""
