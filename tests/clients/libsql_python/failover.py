"""Migrates by Alembic, and moves money by SQLAlchemy's sessions while the leader is killed:
failover.py URL…, of all nodes. Prints `begun` when it may be killed, and `N passed, N failed`."""

import os
import random
import sys
import threading
import time
import traceback
import uuid

from alembic import command
from alembic.config import Config
from sqlalchemy import Column, Integer, String, create_engine, func, select
from sqlalchemy.orm import Session, declarative_base

urls = [f"sqlite+libsql://{url.split('//')[1]}?secure=false" for url in sys.argv[1:]]
patience = 180
before, behind = 5, 15

base = declarative_base()


class Account(base):
    __tablename__ = "accounts"
    id = Column(Integer, primary_key=True)
    balance = Column(Integer)


class Ledger(base):
    __tablename__ = "ledger"
    id = Column(String, primary_key=True)


def write_migrations():
    os.makedirs("migrations/versions")
    with open("migrations/env.py", "w") as file:
        file.write("""
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
""")
    with open("migrations/versions/a1.py", "w") as file:
        file.write("""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "a1", None
def upgrade():
    accounts = op.create_table(
        "accounts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("balance", sa.Integer))
    op.create_table("ledger", sa.Column("id", sa.String(36), primary_key=True))
    op.bulk_insert(accounts, [{"balance": 100}, {"balance": 100}, {"balance": 100}])
def downgrade():
    op.drop_table("ledger")
    op.drop_table("accounts")
""")
    with open("migrations/versions/a2.py", "w") as file:
        file.write("""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "a2", "a1"
def upgrade():
    with op.batch_alter_table("accounts") as batch:
        batch.add_column(sa.Column("owner", sa.String(20), nullable=False, server_default="nobody"))
        batch.alter_column("balance", nullable=False, existing_type=sa.Integer)
def downgrade():
    with op.batch_alter_table("accounts") as batch:
        batch.drop_column("owner")
""")


def migrate(to, url):
    config = Config()
    config.set_main_option("script_location", "migrations")
    config.set_main_option("sqlalchemy.url", url)
    (command.downgrade if to == "base" else command.upgrade)(config, to)


def at_any(first, run, is_done=lambda error: False):
    """Tries at one node after the other until it succeeds, or is done by an error."""
    deadline = time.monotonic() + patience
    attempt = first
    while True:
        try:
            return run(urls[attempt % len(urls)])
        except AssertionError:
            raise
        except Exception as error:
            if is_done(error):
                return None
            if time.monotonic() > deadline:
                raise
        attempt += 1
        time.sleep(0.05)


def transfer(first, id):
    def run(url):
        engine = create_engine(url)
        try:
            with Session(engine) as session:
                source = random.randint(1, 3)
                giver, taker = session.get(Account, source), session.get(Account, source % 3 + 1)
                # Python's drivers begin a transaction at its first write, and what was read before
                # is not of it: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
                giver.balance = Account.balance - 1
                taker.balance = Account.balance + 1
                session.add(Ledger(id=id))
                session.commit()
        finally:
            engine.dispose()

    at_any(first, run, lambda error: "UNIQUE constraint failed: ledger.id" in str(error))


def work(worker, count, acknowledged, failures):
    try:
        for i in range(count):
            id = str(uuid.uuid4())
            transfer(worker + i, id)
            acknowledged.append(id)
    except BaseException as error:
        failures.append(error)


def start(count, acknowledged, failures):
    threads = [
        threading.Thread(target=work, args=(worker, count, acknowledged, failures))
        for worker in range(2)
    ]
    for thread in threads:
        thread.start()
    return threads


def money(url):
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            ids = sorted(session.scalars(select(Ledger.id)))
            return ids, session.scalar(select(func.sum(Account.balance)))
    finally:
        engine.dispose()


def check():
    write_migrations()
    migrate("a1", urls[0])
    acknowledged, failures = [], []
    for thread in start(before, acknowledged, failures):
        thread.join()
    threads = start(behind, acknowledged, failures)
    print("begun", flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.join()
    assert failures == [], failures
    found = at_any(0, money)
    assert found == (sorted(acknowledged), 300), (found, acknowledged)
    at_any(0, lambda url: migrate("head", url))
    assert at_any(1, money) == (sorted(acknowledged), 300)
    at_any(1, lambda url: migrate("base", url))


try:
    check()
except Exception:
    print(f"FAILED SQLAlchemy: {traceback.format_exc()}\n0 passed, 1 failed")
    sys.exit(1)
print("ok Alembic migrates, and SQLAlchemy's transactions outlive the leader\n1 passed, 0 failed")
