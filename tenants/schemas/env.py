"""Alembic's entry: runs the revisions of one branch on the connection it is handed."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]
context.configure(
    connection=connection,
    version_table="schema_version",
    version_table_schema=schema,
    transactional_ddl=False,
)
context.run_migrations()
