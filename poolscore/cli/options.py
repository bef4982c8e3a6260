"""Options that several commands share: which encoder, and how a class becomes a text."""

from typing import Annotated

import typer

from poolscore.encoder.spec import Precision

Template = Annotated[str, typer.Option(help="Text for a class; '{}' stands for its name.")]
EncoderName = Annotated[str, typer.Option(help="open_clip model.")]
Pretrained = Annotated[
    str, typer.Option(help="open_clip tag or weights file; empty for the shipped model.")
]
TowerPrecision = Annotated[Precision, typer.Option(help="Arithmetic of the image tower.")]
