"""`PoolService`: register, read, change, delete and list pools."""

from poolscore.access.caller import current_caller
from poolscore.encoder.spec import EncoderSpec
from poolscore.pool_message import pool_message
from poolscore.store import change_pool, pools
from poolscore.store.change_pool import PoolChange
from poolscore.store.records import Pool
from poolscore.v1 import pool_service_pb2 as pb
from services.api import convert, names
from services.api.backend import Backend
from services.api.field_masks import masked

_BUDGET = "budget.labels"
_CHANGEABLE = ("display_name", "strategy", "train_after_labels", "budget", _BUDGET, "classes")


class PoolApi:
    """Implements `poolscore.v1.PoolService`."""

    backend: Backend

    def CreatePool(self, request: pb.CreatePoolRequest) -> pb.CreatePoolResponse:
        """Register a pool after its encoder has been loaded once, which yields the digest."""
        spec = convert.encoder_spec(request.pool.encoder)
        # The cheap checks come first: the encoder takes seconds.
        self._create(request, spec, "", validate_only=True)
        # The precision is kept with the pool, so that every machine embeds it alike.
        spec, digest = self.backend.resolve_encoder(spec)
        record = self._create(request, spec, digest, validate_only=request.validate_only)
        return pb.CreatePoolResponse(pool=pool_message(record))

    def GetPool(self, request: pb.GetPoolRequest) -> pb.GetPoolResponse:
        """Return a pool with its current counts, also a deleted one."""
        pool_id = names.parse_pool(request.name)
        record = pools.get_pool(self.backend.catalog, pool_id, also_deleted=True)
        return pb.GetPoolResponse(pool=pool_message(record))

    def ListPools(self, request: pb.ListPoolsRequest) -> pb.ListPoolsResponse:
        """List pools by name, of those that the caller's token is for."""
        page, token = pools.list_pools(
            self.backend.catalog,
            request.page_size,
            request.page_token,
            show_deleted=request.show_deleted,
            filter_text=request.filter,
            only=current_caller().pools,
        )
        return pb.ListPoolsResponse(
            pools=[pool_message(record) for record in page], next_page_token=token
        )

    def UpdatePool(self, request: pb.UpdatePoolRequest) -> pb.UpdatePoolResponse:
        """Change the fields of the mask; new classes of an embedded pool queue a run."""
        pool_id = names.parse_pool(request.pool.name, "pool.name")
        record, run = change_pool.update_pool(
            self.backend.catalog, pool_id, _change(request), request.pool.etag
        )
        if run is not None:
            self.backend.wake(run.kind)
        return pb.UpdatePoolResponse(pool=pool_message(record), run=run.name if run else "")

    def DeletePool(self, request: pb.DeletePoolRequest) -> pb.DeletePoolResponse:
        """Hide a pool."""
        pool_id = names.parse_pool(request.name)
        record = change_pool.delete_pool(self.backend.catalog, pool_id, request.etag)
        return pb.DeletePoolResponse(pool=pool_message(record))

    def UndeletePool(self, request: pb.UndeletePoolRequest) -> pb.UndeletePoolResponse:
        """Bring a deleted pool back; its waiting runs go on."""
        pool_id = names.parse_pool(request.name)
        record = change_pool.undelete_pool(self.backend.catalog, pool_id)
        return pb.UndeletePoolResponse(pool=pool_message(record))

    def _create(
        self, request: pb.CreatePoolRequest, spec: EncoderSpec, digest: str, *, validate_only: bool
    ) -> Pool:
        pool = request.pool
        return pools.create_pool(
            self.backend.catalog,
            request.pool_id,
            list(pool.classes),
            pool.template,
            spec,
            digest,
            pool.strategy,
            pool.train_after_labels,
            pool.display_name,
            validate_only,
            pool.budget.labels,
        )


def _change(request: pb.UpdatePoolRequest) -> PoolChange:
    pool = request.pool
    given = {field.name for field, _ in pool.ListFields()} & set(_CHANGEABLE)
    paths = masked(request.update_mask, _CHANGEABLE, given)
    return PoolChange(
        display_name=pool.display_name if "display_name" in paths else None,
        strategy=pool.strategy if "strategy" in paths else None,
        train_after_labels=pool.train_after_labels if "train_after_labels" in paths else None,
        budget=pool.budget.labels if paths & {"budget", _BUDGET} else None,
        classes=list(pool.classes) if "classes" in paths else None,
    )
