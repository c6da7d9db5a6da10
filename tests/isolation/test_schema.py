"""The models and the migrated schemas say the same."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kernel.database import Base, ControlBase
from kernel.settings import Settings

ROOT = Path(__file__).parents[2]


def _load_every_model() -> None:
    for path in sorted(ROOT.glob("platform/**/models.py")):
        package = ".".join(path.parent.relative_to(ROOT / "platform").parts)
        if find_spec(package):
            import_module(f"{package}.models")
    import_module("tenants.models")


@pytest.fixture
def superuser_engine(settings: Settings) -> AsyncEngine:
    """An engine of the login that owns the database; only for looking."""
    _load_every_model()
    address = settings.database_url.replace("postgresql://", "postgresql+asyncpg://")
    return create_async_engine(address, pool_size=1)


def _differences(connection: Connection, metadata: MetaData, schema: str) -> list[str]:
    def ours(item: Any, name: str, kind: str, reflected: bool, compared: Any) -> bool:  # noqa: FBT001
        del compared
        if kind == "table" and not reflected:
            return not item.info.get("view")
        if kind == "table" and reflected:
            # Months of a partitioned table and Alembic's own row are nobody's model.
            return name != "schema_version" and name not in partitions
        return True

    partitions = {
        row[0]
        for row in connection.exec_driver_sql(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE c.relispartition AND n.nspname = '{schema}'"
        )
    }
    control = metadata.schema is not None
    connection.exec_driver_sql(f"SET LOCAL search_path = {schema}, pg_temp")
    connection.dialect.default_schema_name = None if control else schema
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": False,
            "include_schemas": control,
            "include_name": lambda name, kind, _parents: (
                kind != "schema" or not control or name == schema
            ),
            "include_object": ours,
            "target_metadata": metadata,
        },
    )
    return [str(difference) for difference in compare_metadata(context, metadata)]


@pytest.mark.parametrize(
    ("base", "schema"), [(Base, "t_alpha"), (Base, "t_beta"), (ControlBase, "control")]
)
async def test_the_migrated_schema_is_what_the_models_say(
    superuser_engine: AsyncEngine, base: type[Base | ControlBase], schema: str
) -> None:
    """Alembic finds nothing to add, remove or change."""
    async with superuser_engine.begin() as connection:
        found = await connection.run_sync(_differences, base.metadata, schema)
    await superuser_engine.dispose()

    assert found == []


def test_every_table_of_a_model_is_compared() -> None:
    """Models of all rooms are loaded, so that an empty comparison means something."""
    _load_every_model()
    names = {table.name for table in Base.metadata.tables.values()}

    assert {"client", "lead", "posting", "deal", "deposit", "kyc_case", "message"} <= names


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t_alpha.client ADD COLUMN extra text",
        "ALTER TABLE t_alpha.client ALTER COLUMN first_name TYPE varchar(7)",
        "ALTER TABLE t_alpha.deposit ALTER COLUMN amount DROP NOT NULL",
        "DROP INDEX t_alpha.uq_lead_reference",
        "CREATE TABLE t_alpha.unheard_of (id int)",
    ],
)
async def test_a_planted_difference_is_found(superuser_engine: AsyncEngine, change: str) -> None:
    """Each kind of drift turns the comparison red."""
    async with superuser_engine.connect() as connection:
        await connection.exec_driver_sql(change)
        found = await connection.run_sync(_differences, Base.metadata, "t_alpha")
        await connection.rollback()
    await superuser_engine.dispose()

    assert found != []
