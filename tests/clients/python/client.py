"""Runs pyrqlite and sqlalchemy-rqlite against a cluster: client.py FOLLOWER LEADER (their URLs, and
more in the environment: see run.ts). Prints a line for each check and `N passed, N failed`."""

import datetime
import os
import ssl
import sys
import traceback
import urllib.parse

import pyrqlite.dbapi2 as dbapi2
from sqlalchemy import Column, DateTime, Integer, LargeBinary, String, create_engine, inspect, select
from sqlalchemy.orm import Session, declarative_base

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


def access():
    """How the cluster is to be called: over what, and as whom."""
    options = {"scheme": urllib.parse.urlsplit(follower).scheme}
    if "RQLITE_CA" in os.environ:
        context = ssl.create_default_context(cafile=os.environ["RQLITE_CA"])
        if "RQLITE_CERT" in os.environ:
            context.load_cert_chain(os.environ["RQLITE_CERT"], os.environ["RQLITE_KEY"])
        options["ssl_context"] = context
    if "RQLITE_USER" in os.environ:
        options.update(user=os.environ["RQLITE_USER"], password=os.environ["RQLITE_PASSWORD"])
    return options


def connect(url, **options):
    address = urllib.parse.urlsplit(url)
    return dbapi2.connect(host=address.hostname, port=address.port, **access(), **options)


def error_of(cursor, sql):
    try:
        cursor.execute(sql)
    except dbapi2.Error as error:
        return str(error)
    raise AssertionError(f"no error from {sql}")


follower, leader = sys.argv[1], sys.argv[2]
cursor = connect(follower).cursor()


@check("a table is created through a follower")
def _():
    cursor.execute(
        "CREATE TABLE py_values (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, r REAL, "
        "b BLOB, at TIMESTAMP, day DATE)"
    )


@check("a row is inserted with parameters")
def _():
    cursor.execute(
        "INSERT INTO py_values (name, n, r, b, at, day) VALUES (?, ?, ?, ?, ?, ?)",
        (
            "fiona 'o",
            2**63 - 1,
            1.5,
            b"\x00\xff'",
            datetime.datetime(2026, 1, 2, 3, 4, 5),
            datetime.date(2026, 1, 2),
        ),
    )
    equal(cursor.lastrowid, 1)


@check("values come back")
def _():
    reader = connect(leader, detect_types=dbapi2.PARSE_DECLTYPES).cursor()
    reader.execute("SELECT name, n, r, b, at, day FROM py_values WHERE id = :id", {"id": 1})
    equal(
        tuple(reader.fetchone()),
        (
            "fiona 'o",
            2**63 - 1,
            1.5,
            b"\x00\xff'",
            datetime.datetime(2026, 1, 2, 3, 4, 5),
            datetime.date(2026, 1, 2),
        ),
    )


@check("NULL comes back as None")
def _():
    cursor.execute("INSERT INTO py_values (name) VALUES (:name)", {"name": None})
    cursor.execute("SELECT name, n, r, b, at FROM py_values WHERE id = 2", consistency="strong")
    equal(tuple(cursor.fetchone()), (None, None, None, None, None))


@check("many rows are inserted in one transaction")
def _():
    cursor.executemany(
        "INSERT INTO py_values (name, n) VALUES (?, ?)", [(f"row {n}", n) for n in range(100)]
    )
    equal(cursor.rowcount, 100)


@check("a failing statement undoes its transaction")
def _():
    cursor.executemany("INSERT INTO py_values (name) VALUES (?)", [("new",), ("row 1",)])
    cursor.execute("SELECT count(*) FROM py_values WHERE name = 'new'", consistency="linearizable")
    equal(tuple(cursor.fetchone()), (0,))


@check("an update counts its rows")
def _():
    cursor.execute("UPDATE py_values SET r = 0.5 WHERE n < ?", (10,))
    equal(cursor.rowcount, 10)


for level in ("none", "weak", "linearizable", "strong"):

    @check(f"a query at level {level}")
    def _():
        cursor.execute("SELECT name FROM sqlite_schema WHERE name = 'py_values'", consistency=level)
        equal([tuple(row) for row in cursor.fetchall()], [("py_values",)])


@check("errors are told")
def _():
    assert "UNIQUE constraint failed: py_values.name" in error_of(
        cursor, "INSERT INTO py_values (name) VALUES ('row 1')"
    )
    assert "no such table: nowhere" in error_of(cursor, "INSERT INTO nowhere VALUES (1)")


@check("a queued write that is waited for takes effect")
def _():
    cursor.execute("INSERT INTO py_values (name) VALUES (?)", ("queued",), queue=True, wait=True)
    cursor.execute("SELECT count(*) FROM py_values WHERE name = 'queued'", consistency="strong")
    equal(tuple(cursor.fetchone()), (1,))


@check("PRAGMA table_info is read")
def _():
    cursor.execute("PRAGMA table_info(py_values)")
    equal([row["name"] for row in cursor.fetchall()][:2], ["id", "name"])


Base = declarative_base()


class Person(Base):
    __tablename__ = "py_people"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    photo = Column(LargeBinary)
    born = Column(DateTime)


address = urllib.parse.urlsplit(follower).netloc
engine = create_engine(f"rqlite+pyrqlite://{address}/", connect_args=access())


@check("SQLAlchemy creates a table and finds it")
def _():
    Base.metadata.create_all(engine)
    equal(inspect(engine).has_table("py_people"), True)


@check("SQLAlchemy stores and loads objects")
def _():
    with Session(engine) as session:
        session.add(Person(name="fiona", photo=b"\x00\xff"))
        session.add(Person(name=None))
        session.commit()
    with Session(engine) as session:
        people = session.scalars(select(Person).order_by(Person.id)).all()
        equal([(p.id, p.name, p.photo) for p in people], [(1, "fiona", b"\x00\xff"), (2, None, None)])


@check("SQLAlchemy updates and deletes objects")
def _():
    with Session(engine) as session:
        fiona = session.scalars(select(Person).where(Person.name == "fiona")).one()
        fiona.name = "declan"
        session.delete(session.get(Person, 2))
        session.commit()
    with Session(engine) as session:
        equal(session.scalars(select(Person.name)).all(), ["declan"])


print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(1 if counts["failed"] else 0)
