"""One arm of the demo: a pool with its own strategy, measured after every round."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from poolscore.client import Client
from poolscore.errors import AlreadyExistsError
from poolscore.prompts.artefact import load_prompts
from poolscore.store import files
from poolscore.v1 import pool_service_pb2 as pool_pb
from poolscore.v1 import query_service_pb2 as query_pb
from poolscore.v1 import run_service_pb2 as run_pb
from services.demo.annotator import OnRun, begin, follow, run_round
from services.demo.measure import Doubt, HeldOut, doubt_of


@dataclass(frozen=True)
class State:
    """An arm after a round."""

    run: run_pb.Run
    labels: int
    accuracy: float
    doubt: Doubt
    ranking: Sequence[query_pb.RankedItem]

    @property
    def seconds(self) -> float:
        """From the start of the run, by the worker that took it, to its end."""
        return (self.run.end_time.ToDatetime() - self.run.start_time.ToDatetime()).total_seconds()


@dataclass
class Arm:
    """A pool of the service, driven over gRPC; `truth` maps a URI to its class."""

    client: Client
    pool: str
    truth: Mapping[str, str]
    test: HeldOut
    store_uri: str

    def create(self, classes: Sequence[str], strategy: str) -> None:
        """Register the pool, or find it from an earlier start."""
        with suppress(AlreadyExistsError):  # an earlier start was interrupted after this
            self.client.create_pool(self.pool, pool_pb.Pool(classes=classes, strategy=strategy))

    def embed(self, source: str, on_run: OnRun) -> State:
        """Embed `source` (a folder, a list or `pools/...`) and measure zero-shot."""
        spec = run_pb.RunSpec(embed=run_pb.EmbedSpec(sources=[source]))
        run = begin(lambda key: self.client.start_run(self.pool, spec, request_id=key), "embed")
        return self._measure(follow(self.client, run, on_run))

    def round(self, number: int, size: int, on_run: OnRun) -> State:
        """Lease, answer and train once, then measure."""
        return self._measure(run_round(self.client, self.pool, number, size, self.truth, on_run))

    def _measure(self, run: run_pb.Run) -> State:
        versions = {each.name: each for each in self.client.list_prompt_versions(self.pool)}
        version = versions[run.prompt_version]
        filesystem, root = files.open_store(self.store_uri)
        prompts, _ = load_prompts(filesystem, files.absolute(root, version.uri))
        ranking = list(self.client.ranking(run.ranking))
        return State(
            run=run,
            labels=version.label_count,
            accuracy=self.test.accuracy(prompts.features),
            doubt=doubt_of(ranking, self.truth),
            ranking=ranking,
        )

    def count_labels(self) -> Counter[str]:
        """Labels by class that this arm has spent."""
        events = self.client.list_label_events(self.pool)
        return Counter(event.answer.label for event in events)
