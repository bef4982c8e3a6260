"""`poolscore tune`: teach an image tower from a folder of labeled images."""

import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from poolscore.encoder.spec import EncoderSpec
from poolscore.store.pool_rules import DEFAULT_TEMPLATE, check_template

if TYPE_CHECKING:
    from pipelines.tune import Gain, OnProgress


def tune(
    folder: Annotated[
        Path, typer.Argument(help="A folder with labels.csv (path, label[, split]).")
    ],
    encoder: Annotated[
        str, typer.Option(help="open_clip model whose image tower is a vision transformer.")
    ],
    pretrained: Annotated[str, typer.Option(help="open_clip tag or weights file.")],
    method: Annotated[
        Literal["vpt", "lora"],
        typer.Option(help="Prompt tokens in every layer, or low-rank attention weights."),
    ] = "vpt",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("tuning.safetensors"),
    template: Annotated[
        str, typer.Option(help="Text for a class; '{}' stands for its name.")
    ] = DEFAULT_TEMPLATE,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-9, help="Of the image tower; without: the method's own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the training and of a drawn split.")] = 0,
) -> None:
    """Tune the image tower of an encoder on labeled images, for new pools to use.

    A pool with a tuned encoder embeds its images anew.
    """
    from poolscore.evaluation.labeled_folder import read_labeled_folder

    check_template(template)
    data = read_labeled_folder(folder, seed)
    # torch takes seconds to import: after what can be refused without it.
    from pipelines.tune import tune_on_images
    from poolscore.encoder.load import load_encoder
    from poolscore.encoder.visual_tuning.artefact import check_new, save_tuning
    from poolscore.encoder.visual_tuning.config import LoraConfig, VptConfig

    check_new(out)

    console = Console()
    given: dict[str, Any] = {} if learning_rate is None else {"learning_rate": learning_rate}
    spec = EncoderSpec(model=encoder, pretrained=pretrained, precision="fp32")
    with console.status(f"Loading {encoder} ..."):
        loaded = load_encoder(spec)
    with _bar(console) as on_progress:
        tuning, gain = tune_on_images(
            loaded,
            data.classes,
            template,
            data.pool,
            data.test,
            VptConfig(**given) if method == "vpt" else LoraConfig(**given),
            seed,
            on_progress,
        )
    save_tuning(tuning, out)
    _report(console, gain, len(data.test))
    console.print(f"[green]Wrote[/green] {out}. Next, with a name of your choice:")
    command = _next(spec, data.classes, template, out)
    console.print(command, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _bar(console: Console) -> Generator["OnProgress"]:
    """One line that shows what is being done; a new one for everything new."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda what, done, total: progress.update(
            task, description=what, completed=done, total=total
        )


def _report(console: Console, gain: "Gain", images: int) -> None:
    console.print(f"Accuracy on {images:,} test images:", highlight=False)
    for value, of in (
        (gain.before, "before"),
        (gain.after, "after, with the texts of the template: where a new pool starts"),
        (gain.with_prompts, "after, with the prompts that were learned beside"),
    ):
        console.print(f"  {value:>6.1%}  {of}", highlight=False, soft_wrap=True)


def _next(spec: EncoderSpec, classes: Sequence[str], template: str, out: Path) -> str:
    """The command that creates a pool with the tuning, to be pasted."""
    listed = any("," in name for name in classes)
    words = ["poolscore", "pool", "create", "NAME"]
    words += ["--classes-file", "FILE"] if listed else ["--classes", ",".join(classes)]
    words += ["--encoder", spec.model, "--pretrained", spec.pretrained]
    words += ["--template", template] if template != DEFAULT_TEMPLATE else []
    return shlex.join([*words, "--visual-tuning", str(out)])
