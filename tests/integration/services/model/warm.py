"""Does every kind of call once, so that what is forked afterwards need not prepare for it."""

from poolscore.labels.answer import Label
from poolscore.store.change_pool import delete_pool
from services.api.backend import Backend
from tests.integration.services.model import calls
from tests.integration.services.model.work import do, open_backend
from tests.integration.services.model.world import ITEMS, SIZE, TRAIN_AFTER
from tests.seeding import seed_pool

_POOL = "warm"


def warm_backend(url: str, store_uri: str) -> Backend:
    """A backend that has worked; no connection of it is open, so that it may be forked."""
    backend = open_backend(url, store_uri)
    seed_pool(backend.catalog, store_uri, _POOL, items=SIZE, train_after_labels=TRAIN_AFTER)
    answers = [calls.Said(item, Label("cat"), "ann", None) for item in ITEMS[:TRAIN_AFTER]]
    for call in (
        calls.SetBudget(SIZE),
        *[calls.Lease(2, "ann", 10, (), f"r{number}") for number in range(2)],
        calls.Lease(2, "ann", 10, ("cat",), "r2"),
        calls.Extend(1, 20),
        calls.Release(2),
        *[calls.Submit(tuple(answers), "r3") for _ in range(2)],
        calls.Retract(ITEMS[0], "ann", "r4"),
        calls.QueueTraining("r5"),
        calls.TrainNext(0),
        calls.TrainNext(0),
        calls.Activate(0),
    ):
        do(call.command(_POOL, 0), backend, store_uri)
    delete_pool(backend.catalog, _POOL)
    backend.catalog.close()
    return backend
