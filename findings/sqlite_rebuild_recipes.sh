#!/usr/bin/env bash
# How two migration recipes lose their meaning in SQLite itself, without raftlite.
#
# Seen on 2026-11-29 with Alembic 1.20.1, SQLAlchemy 2.1.9 and Python's own sqlite3:
# 1. A migration that says op.execute("PRAGMA foreign_keys=OFF") and then batch_alter_table() is
#    written by --sql with that PRAGMA behind BEGIN, where SQLite passes over it: where foreign keys
#    are on, DROP TABLE deletes the rows that refer to the table.
#    https://www.sqlite.org/pragma.html#pragma_foreign_keys ("a no-op within a transaction")
# 2. PRAGMA defer_foreign_keys=OFF, with which Prisma's rebuild of a table ends, makes SQLite forget
#    what the transaction has violated so far: COMMIT succeeds, and the orphan is stored.
# Exits with 1 when either is no longer so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install alembic==1.20.1 SQLAlchemy==2.1.9

"$work/venv/bin/python" - <<'PYTHON'
import io, sqlite3, sys
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

print("SQLite", sqlite3.sqlite_version)


def opened():
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.executescript("""
        PRAGMA foreign_keys = ON;
        CREATE TABLE authors (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL);
        CREATE TABLE books (id INTEGER PRIMARY KEY, author REFERENCES authors ON DELETE CASCADE);
        INSERT INTO authors VALUES (1, 'one');
        INSERT INTO books VALUES (10, 1);
    """)
    return database


script = io.StringIO()
context = MigrationContext.configure(
    dialect_name="sqlite",
    opts={"as_sql": True, "output_buffer": script, "transactional_ddl": True},
)
operations = Operations(context)
authors = sa.Table(
    "authors",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), nullable=False),
)
with context.begin_transaction():
    operations.execute("PRAGMA foreign_keys=OFF")
    with operations.batch_alter_table("authors", copy_from=authors) as batch:
        batch.alter_column("name", nullable=True)
    operations.execute("PRAGMA foreign_keys=ON")

database = opened()
database.executescript(script.getvalue())
lost = database.execute("SELECT count(*) FROM books").fetchone()[0]
print("Alembic's script begins with", script.getvalue().split()[:3], "and leaves", lost, "of 1 books")

database = opened()
database.executescript("""
    BEGIN;
    PRAGMA defer_foreign_keys = ON;
    INSERT INTO books VALUES (11, 99);
    PRAGMA defer_foreign_keys = OFF;
    COMMIT;
""")
orphans = database.execute("PRAGMA foreign_key_check").fetchall()
print("After defer_foreign_keys=ON … =OFF and COMMIT, foreign_key_check finds", orphans)

sys.exit(0 if lost == 0 and len(orphans) == 1 else 1)
PYTHON
