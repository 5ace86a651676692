#!/usr/bin/env bash
# What PostgreSQL makes of the transactions of `raftlite bench -only tx-…`, by pgbench over TCP, with
# synchronous commits and at isolation level SERIALIZABLE: run both one after the other on a machine
# with nothing else to do, and compare ratios only.
#
#   tests/bench/postgres_transactions.sh [SECONDS]
set -euo pipefail
seconds=${1:-4}
for program in initdb pg_ctl psql pgbench; do
  command -v "$program" >/dev/null || { echo "$program is not there: install PostgreSQL" >&2; exit 1; }
done
# It runs as nobody's superuser: root becomes one that can do nothing.
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"; else "$@"; fi; }

directory=$(mktemp -d)
chmod 777 "$directory"
cd "$directory"
stop() { as pg_ctl -D "$directory/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$directory"; }
trap stop EXIT
port=$((20000 + RANDOM % 10000))
as initdb -D "$directory/data" -A trust -U bench >/dev/null
as pg_ctl -D "$directory/data" -l "$directory/log" -w start >/dev/null \
  -o "-p $port -k $directory -c listen_addresses=127.0.0.1 -c synchronous_commit=on -c fsync=on"
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=bench PGDATABASE=postgres
psql -q -c "CREATE TABLE writes (id BIGINT PRIMARY KEY, name TEXT, age INT);
  CREATE TABLE reads (id INT PRIMARY KEY, name TEXT, age INT);
  INSERT INTO reads SELECT i, 'name ' || i, i % 90 FROM generate_series(1, 1000) i; ANALYZE"
cat > five.sql <<'SQL'
\set row random(0, 499)
\set a :row * 2 + 1
\set b :row * 2 + 2
\set key random(1, 4000000000000)
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT age FROM reads WHERE id = :a;
UPDATE reads SET age = age + 1 WHERE id = :a;
SELECT age FROM reads WHERE id = :b;
UPDATE reads SET age = age + 1 WHERE id = :b;
INSERT INTO writes (id, name, age) VALUES (:key, 'fiona', 20);
COMMIT;
SQL
for clients in 1 16; do
  echo -n "$clients clients: "
  pgbench -n -M prepared --max-tries=5 -f five.sql -c "$clients" -j 1 -T "$seconds" 2>/dev/null | grep '^tps'
done
