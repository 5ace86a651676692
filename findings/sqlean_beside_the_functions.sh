#!/bin/sh
# What sqlean's extensions do beside adding functions, each by being loaded alone or called once.
# 1. define.so makes a table, sqlean_define, in whatever database its connection has open: an
#    application that opens its files for others changes them, a replica drifts, a reader fails.
# 2. regexp.so says SQLITE_NOMEM, "out of memory", of a pattern that it cannot read: a program that
#    ends when it has no memory ends by a bracket.
# 3. math.so and json1.so replace SQLite's own log() and json() without a word: log(100) is
#    1.9999999999999998 where it was 2.0, and json('{a:1}'), JSON5, is malformed.
# Who loads extensions on behalf of others should load them with query_only on, and look at
# pragma_function_list before and after.
# Seen 2026-11-29 with PyPI's sqlite-sqlean 0.1 in apsw 3.53.2.0 on Linux x86-64.
# Needs Python with venv. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  sqlite-sqlean==0.1 apsw==3.53.2.0
cat > "$folder/look.py" <<'PYTHON'
import glob, sys, apsw
where = glob.glob(sys.argv[1] + "/venv/lib/python3*/site-packages/sqlite_sqlean")[0]

def opened(*extensions):
    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    for name in extensions:
        db.load_extension(f"{where}/{name}")
    return db

def answer(db, sql):
    try:
        return next(db.execute(sql))[0]
    except apsw.Error as error:
        return f"{type(error).__name__}: {error}"
    except MemoryError as error:
        return f"MemoryError: {error}"

tables = "SELECT group_concat(name) FROM sqlite_schema"
found = {
    "tables": (answer(opened(), tables), answer(opened("define"), tables)),
    "'abc' REGEXP '('": (answer(opened(), "SELECT 'abc' REGEXP '('"),
                         answer(opened("regexp"), "SELECT 'abc' REGEXP '('")),
    "log(100)": (answer(opened(), "SELECT log(100)"), answer(opened("math"), "SELECT log(100)")),
    "json('{a:1}')": (answer(opened(), "SELECT json('{a:1}')"),
                      answer(opened("json1"), "SELECT json('{a:1}')")),
}
for what, (before, after) in found.items():
    print(f"{what}: {before} before, {after} after")
changed = [
    found["tables"][1] is None or "sqlean_define" not in found["tables"][1],
    "emory" not in str(found["'abc' REGEXP '('"][1]),
    found["log(100)"][0] != 2.0 or found["log(100)"][1] == 2.0,
    "malformed" not in str(found["json('{a:1}')"][1]),
]
if any(changed):
    print("Changed", changed)
sys.exit(1 if any(changed) else 0)
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
