/**
 * What is compiled behind SQLite for a `MaxRowIdWatch`: an update hook that only notes whether a row
 * got the largest row id, and calls nothing for all others.
 */
export const rowIdWatchSource = `
static void note_row_id(void *reached, int operation, const char *schema, const char *table,
                        sqlite3_int64 id) {
  (void)operation;
  (void)schema;
  (void)table;
  if (id == 0x7fffffffffffffffLL) *(int *)reached = 1;
}

/* reached: set to 1 when a row gets it, and stays the caller's; NULL ends that. */
SQLITE_API void raftlite_watch_row_ids(sqlite3 *db, int *reached) {
  sqlite3_update_hook(db, reached == NULL ? NULL : note_row_id, reached);
}
`;
