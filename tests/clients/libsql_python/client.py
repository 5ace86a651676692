"""Runs libSQL's clients in Python against a cluster: client.py FOLLOWER LEADER (their URLs, and more
in the environment: see run.ts). Prints a line for each check and `N passed, N failed`."""

import os
import sys
import traceback

import libsql
import libsql_client
from sqlalchemy import Column, Integer, String, create_engine, select
from sqlalchemy.orm import Session, declarative_base

counts = {"passed": 0, "failed": 0}
follower, leader = sys.argv[1:3]
token = os.environ.get("RAFTLITE_TOKEN", "")


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


def fails(error, function):
    try:
        function()
    except Exception as raised:
        assert error in str(raised), raised
    else:
        raise AssertionError("It did not fail")


@check("libsql writes and reads, and its transactions are committed or rolled back")
def _():
    connection = libsql.connect(follower, auth_token=token)
    connection.execute("CREATE TABLE py (id INTEGER PRIMARY KEY, t TEXT UNIQUE, r REAL, b BLOB)")
    connection.execute("INSERT INTO py (t, r, b) VALUES (?, ?, ?)", ("fiona", 1.5, b"\0\xff"))
    other = libsql.connect(leader, auth_token=token)
    assert other.execute("SELECT count(*) FROM py").fetchone() == (0,)
    connection.commit()
    rows = other.execute("SELECT id, t, r, b FROM py").fetchall()
    assert rows == [(1, "fiona", 1.5, b"\0\xff")], rows
    connection.execute("DELETE FROM py")
    connection.rollback()
    assert other.execute("SELECT count(*) FROM py").fetchone() == (1,)
    fails("UNIQUE constraint failed: py.t", lambda: connection.execute("INSERT INTO py (t) VALUES ('fiona')"))
    connection.rollback()
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO py (t) VALUES (?)", [("a",), ("b",)])
    connection.commit()
    assert other.execute("SELECT count(*) FROM py").fetchone() == (3,)
    connection.executescript("CREATE TABLE py_s (a); INSERT INTO py_s VALUES (1);")
    assert other.execute("SELECT a FROM py_s").fetchall() == [(1,)]


@check("a table that a transaction has made is written in it")
def _():
    connection = libsql.connect(follower, auth_token=token)
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE py_new (a)")
    connection.execute("INSERT INTO py_new VALUES (?)", (7,))
    connection.commit()
    assert libsql.connect(leader, auth_token=token).execute("SELECT a FROM py_new").fetchall() == [(7,)]


@check("SQLAlchemy's dialect creates tables, and commits and rolls sessions back")
def _():
    secure = "true" if follower.startswith("https") else "false"
    host = follower.split("//")[1]
    engine = create_engine(
        f"sqlite+libsql://{host}?secure={secure}", connect_args={"auth_token": token}
    )
    base = declarative_base()

    class User(base):
        __tablename__ = "alchemy_users"
        id = Column(Integer, primary_key=True)
        name = Column(String, unique=True)

    base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(name="ann"), User(name="bob")])
        session.commit()
    with Session(engine) as session:
        session.add(User(name="carl"))
        session.flush()
        session.rollback()
    with Session(engine) as session:
        assert [user.name for user in session.scalars(select(User).order_by(User.id))] == ["ann", "bob"]
    engine.dispose()


if follower.startswith("http:"):

    @check("libsql-client runs statements and batches")
    def _():
        with libsql_client.create_client_sync(follower, auth_token=token or None) as client:
            client.execute("CREATE TABLE py_v1 (a UNIQUE)")
            client.batch(["INSERT INTO py_v1 VALUES (1)", ("INSERT INTO py_v1 VALUES (?)", [2])])
            assert [row[0] for row in client.execute("SELECT a FROM py_v1 ORDER BY a").rows] == [1, 2]
            fails("UNIQUE constraint failed", lambda: client.execute("INSERT INTO py_v1 VALUES (1)"))


print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(1 if counts["failed"] > 0 else 0)
