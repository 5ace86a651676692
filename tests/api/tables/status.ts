import { json, type Step } from "../step.ts";

/** Parts of /status with the default flags. */
const parts: readonly (readonly [key: string, answer: string])[] = [
  ["http.cluster.timeout", '"30s"'],
  ["mux.tls", '"disabled"'],
  ["os.page_size", "<count>"],
  ["runtime.GOMAXPROCS", "<count>"],
  ["runtime.event_loop.longest_turn_ms", "<count>"],
  ["runtime.event_loop.longest_turn_last_minute_ms", "<count>"],
  ["runtime.kubernetes_hint", "false"],
  ["store.apply_timeout", '"10s"'],
  ["store.cdc", '{"enabled":false,"registered":false}'],
  ["store.db_conf", '{"fk_constraints":false}'],
  ["store.dir_size", "<count>"],
  ["store.election_timeout", '"1s"'],
  ["store.fsm_index", "<count>"],
  ["store.fsm_term", "<count>"],
  ["store.heartbeat_timeout", '"1s"'],
  ["store.reap_timeout", '"0s"'],
  ["store.reap_read_only_timeout", '"0s"'],
  ["store.snapshot_interval", '"10s"'],
  ["store.snapshot_threshold", "8192"],
  ["store.trailing_logs", "10240"],
  ["store.raft.log_size", "<count>"],
  ["store.raft.voter", "true"],
  ["store.sqlite3.extensions", "[]"],
  ["store.sqlite3.db_size", "<count>"],
  ["store.sqlite3.mem_stats.page_size", "4096"],
  ["store.sqlite3.pragmas.rw.foreign_keys", '"0"'],
  ["store.sqlite3.pragmas.rw.journal_mode", '"wal"'],
  ["store.sqlite3.pragmas.rw.wal_autocheckpoint", '"0"'],
  ["store.sqlite3.pragmas.ro.busy_timeout", '"5000"'],
  ["http.queue._default.batch_size", "128"],
  ["http.queue._default.max_size", "1024"],
  ["http.queue._default.timeout", '"50ms"'],
  ["http.tls.enabled", '"false"'],
  ["cluster.https", '"false"'],
];

/** What /status has by rqlite's names. */
export const status: readonly Step[] = parts.map(([key, answer]) => ({
  send: `GET /status?key=${key}`,
  status: 200,
  type: json,
  answer,
}));
