#!/bin/sh
# Both SQLAlchemy dialects of rqlite roll nothing back, and say nothing: rqlite has no transactions
# over several requests, each statement is sent and committed at once, and rollback() is empty
# (pyrqlite) or forgets what was never queued (tangled-pyrqlite). So `with Session.begin()` that
# ends with an exception leaves what was flushed in the database, half of a transfer for example.
# Seen 2026-11-30 with SQLAlchemy 2.1.9, sqlalchemy-rqlite 2.0 with pyrqlite 2.2.3, and
# tangled-pyrqlite 0.1.9, against a server that answers as rqlite does.
# Needs python3 with venv. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/ask.py" <<'EOS'
import json
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base

database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)


def run(statement):
    sql, *values = [statement] if isinstance(statement, str) else statement
    try:
        cursor = database.execute(sql, values[0] if values and isinstance(values[0], dict) else values)
    except sqlite3.Error as error:
        return {"error": str(error)}
    if cursor.description is None:
        return {"last_insert_id": cursor.lastrowid or 0, "rows_affected": max(0, cursor.rowcount)}
    columns = [column[0] for column in cursor.description]
    return {"columns": columns, "types": [""] * len(columns), "values": cursor.fetchall()}


class Rqlite(BaseHTTPRequestHandler):
    """Every statement is a transaction of its own."""

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        asked = json.loads(body) if body else parse_qs(urlsplit(self.path).query).get("q", [])
        text = json.dumps({"results": [run(statement) for statement in asked]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


Base = declarative_base()


class Account(Base):
    __tablename__ = "account"
    id = Column(Integer, primary_key=True)
    money = Column(Integer)


server = ThreadingHTTPServer(("127.0.0.1", 0), Rqlite)
threading.Thread(target=server.serve_forever, daemon=True).start()
engine = create_engine(f"{sys.argv[1]}://127.0.0.1:{server.server_port}/")
database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER)")
database.execute("INSERT INTO account VALUES (1, 100), (2, 100)")
try:
    with Session(engine) as session, session.begin():
        session.get(Account, 1).money -= 60
        session.flush()
        raise RuntimeError("before the other half")
except RuntimeError:
    pass
print(sys.argv[1], database.execute("SELECT money FROM account ORDER BY id").fetchall())
EOS
install() {
  venv=$folder/$1
  shift
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" \
    > "$folder/pip.log" 2>&1 || {
    cat "$folder/pip.log"
    exit 2
  }
}
install one SQLAlchemy==2.1.9 sqlalchemy-rqlite==2.0 pyrqlite==2.2.3
install two SQLAlchemy==2.1.9 tangled-pyrqlite==0.1.9
seen=$("$folder/one/bin/python" -W ignore "$folder/ask.py" rqlite+pyrqlite
"$folder/two/bin/python" -W ignore "$folder/ask.py" rqlite)
echo "$seen"
[ "$seen" = "rqlite+pyrqlite [(40,), (100,)]
rqlite [(40,), (100,)]" ] || {
  echo "Changed"
  exit 1
}
