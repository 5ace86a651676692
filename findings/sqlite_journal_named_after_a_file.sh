#!/bin/sh
# SQLite's VFS for Unix opens no journal whose name has a "-" behind its last "." unless there is a
# file of the name before the "-": its rights are to be the journal's, and a stat() that fails is the
# open's error, SQLITE_IOERR_FSTAT, though the file asked for is there. As a database, or as a super
# journal, the same file opens.
# Whoever writes a VFS of his own over it, and reads a file beside SQLite by xOpen (the page size of
# "db.sqlite.tmp-3", say), may take any flag for a good one: raftlite took a copy for one without pages.
# Seen 2026-11-30 with PyPI's apsw 3.53.2.0. Needs Python with venv. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: apsw==3.53.2.0
cat > "$folder/open.py" <<'EOF'
import apsw, os, sys
folder = sys.argv[1]
kinds = {
    "database": apsw.SQLITE_OPEN_MAIN_DB,
    "journal": apsw.SQLITE_OPEN_MAIN_JOURNAL,
    "super journal": apsw.SQLITE_OPEN_SUPER_JOURNAL,
}
for name in ["copy", "other-copy.db", "copy-1", "copy.tmp-1"]:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(b"some bytes")
    for kind, flag in kinds.items():
        try:
            file = apsw.VFSFile("", path, [flag | apsw.SQLITE_OPEN_READONLY, 0])
            said = file.xRead(10, 0).decode()
            file.xClose()
        except apsw.Error as error:
            said = apsw.mapping_extended_result_codes[error.extendedresult]
        print(f"{name} as a {kind}: {said}")
EOF
mkdir "$folder/files"
"$folder/env/bin/python" "$folder/open.py" "$folder/files" > "$folder/said"
cat "$folder/said"
# "copy-1" opens as there is a "copy", whatever that is.
[ "$(grep -c ': some bytes$' "$folder/said")" = 11 ] &&
  grep -qx 'copy.tmp-1 as a journal: SQLITE_IOERR_FSTAT' "$folder/said" || { echo "Changed"; exit 1; }
