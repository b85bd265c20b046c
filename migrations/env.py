"""Runs the migrations on the database the settings name, or on the connection a caller hands over."""

from alembic import context

from app import config
from app.kernel.db import Base, make_engine
from migrations import tables


def run(connection: object) -> None:
    """Configure and run on one connection."""
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=False,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=config.from_environment().database, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif (handed := context.config.attributes.get("connection")) is not None:
    run(handed)
else:
    with make_engine(config.from_environment().database).connect() as own:
        run(own)
        own.commit()
