"""Runs rqdb against a cluster: client.py FOLLOWER LEADER (their URLs). It asks to be redirected to
the leader by every request. Prints a line for each check and `N passed, N failed`."""

import asyncio
import io
import sqlite3
import sys
import tempfile
import traceback
import urllib.parse

import rqdb

counts = {"passed": 0, "failed": 0}


def check(name):
    """Runs the decorated function at once, as one check."""

    def run(function):
        try:
            function()
        except Exception:
            counts["failed"] += 1
            print(f"FAILED {name}: {traceback.format_exc()}")
        else:
            counts["passed"] += 1
            print(f"ok {name}")

    return run


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


follower, leader = (urllib.parse.urlsplit(url).netloc for url in sys.argv[1:3])
connection = rqdb.connect([follower])
cursor = connection.cursor()


@check("a follower redirects to the leader")
def _():
    host, port = connection.discover_leader()
    equal(f"{host}:{port}", leader)


@check("a table is created and filled through a follower")
def _():
    cursor.execute("CREATE TABLE rqdb_values (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, r REAL)")
    cursor.execute("INSERT INTO rqdb_values (name, n, r) VALUES (?, ?, ?)", ("fiona", 2**63 - 1, None))
    equal((cursor.last_insert_id, cursor.rows_affected), (1, 1))


for level in ("none", "weak", "strong"):

    @check(f"a read at level {level}")
    def _():
        # At none a follower may not have the row yet.
        hosts = [leader] if level == "none" else [follower]
        reader = rqdb.connect(hosts).cursor(read_consistency=level, freshness="5m")
        reader.execute("SELECT name, n, r FROM rqdb_values WHERE id = ?", (1,))
        equal(reader.fetchone(), ["fiona", 2**63 - 1, None])


@check("a transaction is done as a whole, or not at all")
def _():
    insert = "INSERT INTO rqdb_values (name) VALUES (?)"
    cursor.executemany2((insert, insert), (("declan",), ("sinead",)))
    result = cursor.executemany2((insert, insert), (("new",), ("fiona",)), raise_on_error=False)
    equal(
        [item.error for item in result],
        [None, "UNIQUE constraint failed: rqdb_values.name"],
    )
    cursor.execute("SELECT count(*) FROM rqdb_values", read_consistency="strong")
    equal(cursor.fetchone(), [3])


@check("reads and writes go in one request")
def _():
    written, read = cursor.executeunified2(
        ("UPDATE rqdb_values SET r = ? WHERE name = ?", "SELECT r FROM rqdb_values WHERE name = ?"),
        ((0.5, "fiona"), ("fiona",)),
    )
    equal((written.rows_affected, read.results), (1, [[0.5]]))


@check("an error is raised")
def _():
    try:
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    except rqdb.errors.DBError as error:
        assert "no such table: nowhere" in str(error), error
    else:
        raise AssertionError("no error")


@check("EXPLAIN QUERY PLAN is read")
def _():
    plan = cursor.explain("SELECT n FROM rqdb_values WHERE name = ?", ("fiona",), out="str")
    assert "sqlite_autoindex_rqdb_values_1" in plan, plan


@check("a backup is taken of the leader")
def _():
    backup = io.BytesIO()
    connection.backup(backup)
    with tempfile.NamedTemporaryFile() as file:
        file.write(backup.getvalue())
        file.flush()
        names = sqlite3.connect(file.name).execute("SELECT name FROM rqdb_values ORDER BY id")
        equal(names.fetchall(), [("fiona",), ("declan",), ("sinead",)])


@check("its asyncio client reads and writes")
def _():
    async def run():
        async with rqdb.connect_async([follower]) as connection:
            cursor = connection.cursor()
            await cursor.execute("INSERT INTO rqdb_values (name) VALUES (?)", ("async",))
            await cursor.execute("SELECT name FROM rqdb_values WHERE id = ?", (cursor.last_insert_id,))
            return cursor.fetchone()

    equal(asyncio.run(run()), ["async"])


print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(1 if counts["failed"] else 0)
