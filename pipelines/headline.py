"""What `poolscore embed` says at its end."""

from poolscore.store.records import RunProgress


def headline(progress: RunProgress, *, changed: bool, prune: bool) -> str:
    """The first line: what a run has done; `changed` says whether it has left another snapshot."""
    if not changed and progress.missing:
        return f"Nothing new: the pool holds the {progress.known:,} inputs that are still there."
    if not changed:
        return f"Nothing new: the pool holds all {progress.known:,} inputs already."
    if prune and progress.missing and not progress.done:
        return f"Dropped {progress.missing:,} images, embedded none{_known(progress.known)}."
    embedded = progress.done - sum(progress.rejects.values())
    resumed = f" ({progress.resumed:,} before this run was resumed)" if progress.resumed else ""
    return f"Embedded [bold]{embedded:,}[/bold] images{resumed}{_known(progress.known)}."


def unchanged(progress: RunProgress) -> int:
    """How many inputs of a committed run were read again and are what they were.

    Their files were written again, or could not be read before.
    """
    return progress.total - progress.new - progress.changed


def _known(known: int) -> str:
    return f"; {known:,} were in the pool already" if known else ""
