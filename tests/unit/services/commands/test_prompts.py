import io

from rich.console import Console, RenderableType

from poolscore.v1 import prompt_version_service_pb2 as pb
from services.commands.prompts import changes_table, versions_table


def shown(what: RenderableType, width: int = 200) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(what)
    return out.getvalue()


def test_names_are_shown_as_they_are() -> None:
    change = pb.ItemChange(
        item="pools/p/items/scans/[/old]/1.jpg", label_before="cat [tabby]", label_after="[/]"
    )
    said = shown(changes_table([change]))
    assert "scans/[/old]/1.jpg" in said
    assert "cat [tabby] -> [/]" in said


def test_a_version_says_what_it_was_made_with_and_why_it_was_refused() -> None:
    version = pb.PromptVersion(
        name="pools/p/promptVersions/2",
        label_count=40,
        ranking="pools/p/rankings/3",
        metrics={"annotator_accuracy/[/ann]": 0.75},
        promotion=pb.Promotion(promoted=False, reason="worse on 9 of 10 labels"),
    )
    said = shown(versions_table([version]))
    assert "annotator_accuracy/[/ann] 0.750" in said
    assert "worse on 9 of 10 labels" in said


def test_nothing_is_left_out_in_80_columns() -> None:
    item = "8d0740eadf07b8aa31c6b0d1b1a8c7de"
    assert "…" not in shown(changes_table([pb.ItemChange(item=f"pools/p/items/{item}")]), 80)
    version = pb.PromptVersion(
        name="pools/p/promptVersions/2",
        ranking="pools/p/rankings/3",
        metrics={f"changed_predictions_share_{number}": 0.5 for number in range(5)},
        promotion=pb.Promotion(promoted=False, reason="worse on 9 of 10 labels"),
    )
    said = shown(versions_table([version]), 80)
    assert "…" not in said
    assert all(word in said for word in version.promotion.reason.split())
