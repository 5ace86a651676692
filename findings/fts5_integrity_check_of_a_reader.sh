#!/bin/sh
# PRAGMA integrity_check calls an undamaged FTS5 table damaged ("checksum mismatch") on a connection
# that has checked it before, when another connection has written to it since. A query of the table
# on that connection ends it: the check itself does not read the index's structure anew.
# Seen 2026-11-29 with SQLite 3.53.2, as in Deno 2.9.6 from npm (node:sqlite).
# Needs node, npm. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/check.mjs" <<'EOF'
import { DatabaseSync } from "node:sqlite";
const path = process.argv[2];
const writer = new DatabaseSync(path);
const reader = new DatabaseSync(path);
const check = (database) => database.prepare("PRAGMA integrity_check").get().integrity_check;
writer.exec("PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE f USING fts5(x)");
writer.exec("INSERT INTO f VALUES ('hello there')");
const seen = [writer.prepare("SELECT sqlite_version() AS version").get().version, check(reader)];
writer.exec("INSERT INTO f VALUES ('hello again')");
seen.push(check(reader), check(writer));
reader.prepare("SELECT count(*) FROM f WHERE f MATCH 'hello'").get();
seen.push(check(reader));
console.log(seen.join(", "));
EOF
npm install --silent --no-fund --no-audit --prefix "$folder" deno@2.9.6 > "$folder/npm.log" 2>&1 || {
  cat "$folder/npm.log"
  exit 2
}
seen=$("$folder/node_modules/.bin/deno" run -A "$folder/check.mjs" "$folder/db")
echo "$seen"
[ "$seen" = '3.53.2, ok, fts5: checksum mismatch for table "f", ok, ok' ] || {
  echo "Changed"
  exit 1
}
