#!/bin/sh
# Prisma's adapter for libSQL tells a broken UNIQUE by SQLite's extended code, which @libsql/client
# never gives it over HTTP (`rawCode` is undefined there), though libSQL's servers and Turso's say
# SQLITE_CONSTRAINT and SQLite's text. So the same program gets P2002 over a file, and over http://
# or libsql:// an error of the kind "sqlite" (P2039 in Prisma Client): `catch (e) { if (e.code ===
# "P2002") … }` passes it by. The text, "UNIQUE constraint failed: t.a", is the same in both.
# Seen 2026-11-29 with @prisma/adapter-libsql 7.10.0 and its @libsql/client 0.17, against a server
# that answers as libSQL's does.
# Needs node and npm. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-fund --no-audit --prefix "$folder" @prisma/adapter-libsql@7.10.0 \
  > "$folder/npm.log" 2>&1 || {
  cat "$folder/npm.log"
  exit 2
}
cat > "$folder/ask.cjs" <<'EOS'
const http = require("node:http");
const { PrismaLibSql } = require("@prisma/adapter-libsql");

const insert = { sql: "INSERT INTO t VALUES (1)", args: [], argTypes: [] };

async function kindAt(url, prepare) {
  const adapter = await new PrismaLibSql({ url }).connect();
  if (prepare) await adapter.executeScript("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)");
  return await adapter.executeRaw(insert).then(() => "none", (error) => error.cause.kind);
}

/** Hrana over HTTP: every statement breaks a constraint. */
const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const error = {
    message: "SQLite error: UNIQUE constraint failed: t.a",
    code: "SQLITE_CONSTRAINT",
    extended_code: "SQLITE_CONSTRAINT_UNIQUE",
  };
  const results = JSON.parse(body).requests.map(({ type }) =>
    type === "execute" ? { type: "error", error } : { type: "ok", response: { type } }
  );
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ baton: null, base_url: null, results }));
});
server.listen(0, "127.0.0.1", async () => {
  console.log(`file: ${await kindAt(`file:${process.argv[2]}/t.db`, true)}`);
  console.log(`http: ${await kindAt(`http://127.0.0.1:${server.address().port}`, false)}`);
  process.exit();
});
EOS
seen=$(node "$folder/ask.cjs" "$folder")
echo "$seen"
case $seen in
"file: UniqueConstraintViolation
http: sqlite") ;;
*)
  echo "Changed"
  exit 1
  ;;
esac
