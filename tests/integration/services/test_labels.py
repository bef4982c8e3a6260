from collections.abc import Callable

from poolscore.client import Client
from poolscore.v1 import label_service_pb2 as pb


def answer(pool: str, item: str, label: str = "cat") -> pb.LabelInput:
    return pb.LabelInput(
        item=f"pools/{pool}/items/{item}", answer=pb.Answer(label=label), annotator="ann"
    )


def test_a_stream_of_answers_with_a_bad_one_among_them(
    client: Client, new_pool: Callable[..., str]
) -> None:
    pool = new_pool()
    batch = client.lease(pool, 4, "ann")
    labels = ["cat", "dog", "zebra", "owl"]
    response = client.stream_labels(
        pool,
        (
            pb.LabelInput(
                item=item.name, answer=pb.Answer(label=label), annotator="ann", batch=batch.name
            )
            for item, label in zip(batch.items, labels, strict=True)
        ),
    )
    assert [result.reason for result in response.results] == ["", "", "UNKNOWN_CLASS", ""]
    assert (response.accepted, response.refused) == (3, 1)
    events = list(client.list_label_events(pool))
    assert [event.answer.label for event in events] == ["cat", "dog", "owl"]
    # Each keeps what the model said before: the seeded predictions go round the classes.
    assert [event.predicted_label for event in events] == ["cat", "dog", "cat"]
    assert client.get_pool(pool).counts.answered == 3


def test_a_retried_request_is_applied_once(client: Client, new_pool: Callable[..., str]) -> None:
    pool = new_pool()
    labels = [answer(pool, "item-0000"), answer(pool, "nowhere")]
    first = client.submit_labels(pool, labels, request_id="r1")
    assert client.submit_labels(pool, labels, request_id="r1") == first
    assert [result.reason for result in first.results] == ["", "UNKNOWN_ITEM"]
    assert len(list(client.list_label_events(pool))) == 1


def test_an_answered_item_is_not_leased_again(client: Client, new_pool: Callable[..., str]) -> None:
    pool = new_pool(items=5)
    client.submit_labels(pool, [answer(pool, "item-0000"), answer(pool, "item-0002")])
    leased = [item.name.rpartition("/")[2] for item in client.lease(pool, 5, "ann").items]
    assert leased == ["item-0001", "item-0003", "item-0004"]
