#!/bin/sh
# SQLite keeps a comment at the end of a CREATE with the SQL that it stores, one that nothing closes
# too ("CREATE TABLE a (x INT) STRICT /* note"). Dumps put a ";" behind it, which the comment swallows:
# a load of APSW's shell's .dump ends without an error and lacks every table behind that one, and of
# Python's iterdump too, whose COMMIT is swallowed besides, so that nothing at all is stored. With a
# comment in dashes iterdump is no SQL. The sqlite3 program closes such comments (3.40 does).
# Seen 2026-11-29 with apsw 3.54.1.0 (SQLite 3.54.1) and Python 3.11.7's sqlite3 (SQLite 3.40.1).
# Needs python3 with venv. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/check.py" <<'EOF'
import io, sqlite3
import apsw, apsw.shell

def apsw_tables(statements):
    database, text = apsw.Connection(":memory:"), io.StringIO()
    for sql in statements: database.execute(sql)
    apsw.shell.Shell(stdout=text, db=database).process_command(".dump")
    loaded = apsw.Connection(":memory:")
    loaded.execute(text.getvalue())
    return [name for name, in loaded.execute("SELECT name FROM sqlite_master")]

def python_tables(statements):
    database, loaded = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    for sql in statements: database.execute(sql)
    database.commit()
    try: loaded.executescript("\n".join(database.iterdump()))
    except sqlite3.Error as error: return str(error)
    loaded.rollback()
    return [name for name, in loaded.execute("SELECT name FROM sqlite_master")]

open_comment = ["CREATE TABLE a (x INT) STRICT /* note", "CREATE TABLE b (y)", "INSERT INTO b VALUES (1)"]
dashes = ["CREATE TABLE a (x)", "CREATE VIEW v AS SELECT 1 -- note"]
print(apsw_tables(open_comment), python_tables(open_comment), python_tables(dashes))
EOF
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
seen=$("$folder/venv/bin/python" "$folder/check.py")
echo "$seen"
[ "$seen" = "['a'] [] near \"COMMIT\": syntax error" ] || {
  echo "Changed"
  exit 1
}
