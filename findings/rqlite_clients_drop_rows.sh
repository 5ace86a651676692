#!/bin/sh
# Two of Python's clients of rqlite decide by a statement's first word whether it is a read, and hand
# out no rows of one that they took for a write, without an error: fetchall() is []. rqdb knows
# SELECT, EXPLAIN and WITH … SELECT, so PRAGMA, VALUES, a SELECT behind a comment and
# INSERT … RETURNING, whose rows the server has sent, are empty. pyrqlite knows SELECT and PRAGMA, so
# WITH … SELECT, VALUES and a SELECT behind a comment are: they go to /db/execute, where rqlite runs
# them and has no rows to give.
# Seen 2026-11-30 with rqdb 1.6.5 and pyrqlite 2.2.3, against a server that answers as rqlite does.
# Needs python3 with venv. Ends with 1 when they behave otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/ask.py" <<'EOS'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pyrqlite.dbapi2
import rqdb

rows = {"columns": ["id"], "types": ["integer"], "values": [[7]]}
done = {"last_insert_id": 7, "rows_affected": 1}


class Rqlite(BaseHTTPRequestHandler):
    """/db/query has rows for everything, /db/execute for RETURNING alone."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        has_rows = "RETURNING" in body or urlsplit(self.path).path == "/db/query"
        text = json.dumps({"results": [rows if has_rows else done]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Rqlite)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_port
cursors = {
    "rqdb": rqdb.connect([f"127.0.0.1:{port}"]).cursor(),
    "pyrqlite": pyrqlite.dbapi2.connect(host="127.0.0.1", port=port).cursor(),
}
for sql in (
    "SELECT id FROM t",
    "PRAGMA user_version ",
    "WITH q AS (SELECT 7 AS id) SELECT id FROM q",
    "/* newest */ SELECT id FROM t",
    "VALUES (7)",
    "INSERT INTO t DEFAULT VALUES RETURNING id",
):
    seen = []
    for name, cursor in cursors.items():
        cursor.execute(sql)
        seen.append(f"{name} {[tuple(row) for row in cursor.fetchall()]}")
    print(f"{sql!r}: {', '.join(seen)}")
EOS
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  rqdb==1.6.5 pyrqlite==2.2.3 > "$folder/pip.log" 2>&1 || {
  cat "$folder/pip.log"
  exit 2
}
seen=$("$folder/venv/bin/python" -W ignore "$folder/ask.py")
echo "$seen"
[ "$seen" = "'SELECT id FROM t': rqdb [(7,)], pyrqlite [(7,)]
'PRAGMA user_version ': rqdb [], pyrqlite [(7,)]
'WITH q AS (SELECT 7 AS id) SELECT id FROM q': rqdb [(7,)], pyrqlite []
'/* newest */ SELECT id FROM t': rqdb [], pyrqlite []
'VALUES (7)': rqdb [], pyrqlite []
'INSERT INTO t DEFAULT VALUES RETURNING id': rqdb [], pyrqlite [(7,)]" ] || {
  echo "Changed"
  exit 1
}
