#!/bin/sh
# In a database in UTF-16, a full-text table (FTS4) loses a byte order mark (U+FEFF) at the beginning
# of a text when it stores that, but not when it makes its index of it: PRAGMA integrity_check then
# calls the table malformed. An ordinary table keeps the mark, and in UTF-8 all is well.
# Seen 2026-11-29 with apsw 3.54.1.0 (SQLite 3.54.1).
# Needs python3 with venv. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/check.py" <<'EOF'
import apsw
for encoding in ["UTF-8", "UTF-16le"]:
    c = apsw.Connection(":memory:")
    c.execute(f"PRAGMA encoding='{encoding}'; CREATE VIRTUAL TABLE f USING fts4(x); CREATE TABLE t(x)")
    c.execute("INSERT INTO f VALUES (char(65279) || 'word'); INSERT INTO t VALUES (char(65279) || 'word')")
    print(encoding, *c.execute("SELECT length(t.x), length(f.x) FROM t, f").get, c.pragma("integrity_check"))
EOF
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
seen=$("$folder/venv/bin/python" "$folder/check.py")
echo "$seen"
[ "$seen" = "UTF-8 5 5 ok
UTF-16le 5 4 malformed inverted index for FTS4 table main.f" ] || {
  echo "Changed"
  exit 1
}
