"""SQL that revisions repeat: what a tenant's own role may not do to append-only tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy.util import await_only


def script(sql: str) -> None:
    """Run several statements of one revision as one text message."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    await_only(raw.execute(sql))


_FORBID = """
CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are appended, never changed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def forbid_function() -> str:
    """Return the DDL of the trigger function that refuses a change; once in a schema."""
    return _FORBID


def revoke_writes(table: str) -> str:
    """Return the DDL that leaves a table append-only for everybody, its owner included."""
    return f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION forbid_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_change();
DO $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM %I', current_schema());
END $$
"""
