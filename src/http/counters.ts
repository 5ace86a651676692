/** What /debug/vars counts under `http`, by rqlite's names, beside what its write queue counts. */
export class HttpCounters {
  auth_fail = 0;
  auth_ok = 0;
  backups = 0;
  boot = 0;
  execute_stmts_rx = 0;
  executions = 0;
  leader_not_found = 0;
  loads = 0;
  num_readyz = 0;
  num_status = 0;
  queries = 0;
  query_stmts_rx = 0;
  queued_executions = 0;
  queued_executions_wait = 0;
  queued_executions_wait_timeout = 0;
  request_stmts_rx = 0;
  requests = 0;
  sql_analyze = 0;
  tls_cert_fetched = 0;
  ui = 0;
  user_reaps = 0;
  user_snapshots = 0;
}
