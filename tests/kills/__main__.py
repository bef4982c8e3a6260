"""`python -m tests.kills`: kill drivers, actors and nodes at random, until it was often enough."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.machine import describe_machine
from tests.kills.campaign import Finished, prepared


def main() -> int:
    """Run trials, print a line for each kill, write what happened; 1 when anything was wrong."""
    options = _options()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="poolscore-kills-"))
    began, trials = time.monotonic(), list[Finished]()
    seconds = list[float]()
    with prepared(folder, options.images) as campaign:
        stages = {stage.name.lower(): round(s, 2) for stage, s in campaign.pace.seconds.items()}
        print(f"undisturbed, seconds: {stages}", flush=True)
        seed = options.seed
        while _kills(trials) < options.kills:
            started = time.monotonic()
            count = min(options.each, options.kills - _kills(trials))
            trials.append(campaign.run(seed, None, count))
            seconds.append(time.monotonic() - started)
            _print(trials, seconds[-1], time.monotonic() - began)
            report = {
                "kills": _kills(trials),
                "minutes": round((time.monotonic() - began) / 60, 1),
                "summary": _summary(trials),
                "undisturbed_s": stages,
                "options": {key: str(value) for key, value in vars(options).items()},
                "machine": describe_machine(),
                "trials": [
                    {**asdict(each), "seconds": round(s, 1)}
                    for each, s in zip(trials, seconds, strict=True)
                ],
            }
            options.out.write_text(json.dumps(report, indent=1) + "\n")
            seed += 1
    failed = [each.seed for each in trials if each.problems]
    print(json.dumps(_summary(trials), indent=1))
    print(f"{_kills(trials)} kills, {len(trials)} runs, {len(failed)} of them wrong: {options.out}")
    if not failed:
        shutil.rmtree(folder)
    else:
        print(f"repeat with --seed {failed[0]}; their files are in {folder}")
    return 1 if failed else 0


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=16, help="kills drawn for one embedding")
    parser.add_argument("--images", type=int, default=960, help="images of the pool")
    parser.add_argument("--seed", type=int, default=1, help="of the first embedding")
    parser.add_argument("--out", type=Path, default=Path("out/kills.json"))
    return parser.parse_args()


def _kills(trials: list[Finished]) -> int:
    return sum(len(each.kills) for each in trials)


def _print(trials: list[Finished], seconds: float, total: float) -> None:
    last = trials[-1]
    number = _kills(trials) - len(last.kills)
    for offset, each in enumerate(last.kills, 1):
        print(
            f"{number + offset:>4}  {each['kind']:<7}{each['stage']:<11}"
            f"{each['images_opened']:>5} opened {each['images_repeated']:>4} again"
        )
    state = "; ".join(last.problems) or "all there once, same ranking"
    print(f"      seed {last.seed}: {state} ({seconds:.0f} s, {total / 60:.1f} min)", flush=True)
    for error in last.errors:
        print(f"      ended and was started again: {error}", flush=True)


def _summary(trials: list[Finished]) -> dict[str, Any]:
    by_kind = dict[str, list[dict[str, Any]]]()
    for each in (kill for trial in trials for kill in trial.kills):
        by_kind.setdefault(each["kind"], []).append(each)
    return {kind: _figures(kills) for kind, kills in sorted(by_kind.items())} | {
        "runs": len(trials),
        "wrong": sum(bool(trial.problems) for trial in trials),
        "ended_with_error": sum(len(trial.errors) for trial in trials),
    }


def _figures(kills: list[dict[str, Any]]) -> dict[str, Any]:
    repeated = [kill["images_repeated"] for kill in kills]
    resumed = [kill["resumed_s"] for kill in kills if kill["resumed_s"] is not None]
    return {
        "kills": len(kills),
        "stages": {
            stage: sum(kill["stage"] == stage for kill in kills)
            for stage in sorted({kill["stage"] for kill in kills})
        },
        "images_repeated": {"median": median(repeated), "most": max(repeated)},
        "resumed_s": round(median(resumed), 2) if resumed else None,
    }


if __name__ == "__main__":
    sys.exit(main())
