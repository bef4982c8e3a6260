"""Runs migrations on the connection that `poolscore.store.migrate` has opened."""

from alembic import context

from poolscore.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
