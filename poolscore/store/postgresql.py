"""PostgreSQL as the catalog's database, through psycopg 3."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

CONNECTIONS = 10
"""Of one process at most. Writes to a pool come one by one, so that more would only wait in the
server instead of here, and many replicas share the server's hundred."""

_IDLE_TIMEOUT_S = 60.0
_SCHEMA_LOCK = 0x706F6F6C73636F72  # "poolscor"
_UNPOOLED_LOCK = _SCHEMA_LOCK + 1
_CONNECT_ARGS = {
    "application_name": "poolscore",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed after a minute, not after two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


def make_engine(url: URL, timeout_s: float, **options: Any) -> Engine:
    """Engine whose connections are tried before use, so that those that died are replaced.

    What the URL's query says of the connection goes before the defaults here.
    """
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=CONNECTIONS // 2,
        max_overflow=CONNECTIONS - CONNECTIONS // 2,
        pool_timeout=timeout_s,
        connect_args={name: v for name, v in _CONNECT_ARGS.items() if name not in url.query},
        **options,
    )

    def configure(connection: Any, record: Any) -> None:
        del record
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{timeout_s:.0f}s'")
        # A process that stopped in the middle of a transaction must not hold a pool for ever.
        connection.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_TIMEOUT_S:.0f}s'")
        # A commit that was acknowledged survives a power cut, whatever the server's default.
        connection.execute("SET synchronous_commit = on")
        connection.autocommit = False

    event.listen(engine, "connect", configure)
    return engine


def reader(engine: Engine) -> Engine:
    """The same connections, for transactions that read one moment and cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writer(engine: Engine) -> Engine:
    """The same connections; a statement sees all that was committed before it.

    Not REPEATABLE READ: a transaction that waited for a pool would still see the pool as it was
    before, and fail when it writes.
    """
    return engine.execution_options(isolation_level="READ COMMITTED")


def lock_schema(connection: Connection) -> None:
    """Take the lock that every migrating process takes, until the transaction ends."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")


def lock_unpooled(connection: Connection) -> None:
    """Take the lock of writers to what belongs to no pool, until the transaction ends."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UNPOOLED_LOCK})")
