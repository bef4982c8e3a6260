"""`PoolService`: register, read and list pools."""

from poolscore.encoder.spec import EncoderSpec
from poolscore.store import pools
from poolscore.store.records import Pool
from poolscore.v1 import pool_service_pb2 as pb
from services.api import convert, names
from services.api.backend import Backend


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
        return pb.CreatePoolResponse(pool=convert.pool(record))

    def GetPool(self, request: pb.GetPoolRequest) -> pb.GetPoolResponse:
        """Return a pool with its current counts."""
        record = pools.get_pool(self.backend.catalog, names.parse_pool(request.name))
        return pb.GetPoolResponse(pool=convert.pool(record))

    def ListPools(self, request: pb.ListPoolsRequest) -> pb.ListPoolsResponse:
        """List pools by name."""
        page, token = pools.list_pools(self.backend.catalog, request.page_size, request.page_token)
        return pb.ListPoolsResponse(
            pools=[convert.pool(record) for record in page], next_page_token=token
        )

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
        )
