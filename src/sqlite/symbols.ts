/**
 * Every function of SQLite's C interface that this program calls, under its C name
 * (https://www.sqlite.org/c3ref/funclist.html). Texts go in as buffers ending in NUL, or with
 * their length; a pointer to NULL is `null`.
 */
export const symbols = {
  // The library itself
  sqlite3_libversion: { parameters: [], result: "pointer" },
  sqlite3_libversion_number: { parameters: [], result: "i32" },
  sqlite3_sourceid: { parameters: [], result: "pointer" },
  sqlite3_threadsafe: { parameters: [], result: "i32" },
  sqlite3_compileoption_used: { parameters: ["buffer"], result: "i32" },
  sqlite3_compileoption_get: { parameters: ["i32"], result: "pointer" },
  sqlite3_memory_used: { parameters: [], result: "i64" },
  sqlite3_errstr: { parameters: ["i32"], result: "pointer" },
  sqlite3_malloc64: { parameters: ["u64"], result: "pointer" },
  sqlite3_free: { parameters: ["pointer"], result: "void" },
  /** Of the C library, which every SQLite is linked with; where it can't be looked up it is done without. */
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "void", optional: true },
  memcpy_out: {
    name: "memcpy",
    parameters: ["pointer", "buffer", "usize"],
    result: "void",
    optional: true,
  },

  // Connections
  sqlite3_open_v2: { parameters: ["buffer", "buffer", "i32", "buffer"], result: "i32" },
  sqlite3_close_v2: { parameters: ["pointer"], result: "i32" },
  sqlite3_extended_result_codes: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_errcode: { parameters: ["pointer"], result: "i32" },
  sqlite3_extended_errcode: { parameters: ["pointer"], result: "i32" },
  sqlite3_errmsg: { parameters: ["pointer"], result: "pointer" },
  sqlite3_busy_timeout: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_interrupt: { parameters: ["pointer"], result: "void" },
  sqlite3_changes64: { parameters: ["pointer"], result: "i64", optional: true },
  sqlite3_total_changes64: { parameters: ["pointer"], result: "i64", optional: true },
  sqlite3_changes: { parameters: ["pointer"], result: "i32" },
  sqlite3_total_changes: { parameters: ["pointer"], result: "i32" },
  sqlite3_last_insert_rowid: { parameters: ["pointer"], result: "i64" },
  sqlite3_set_last_insert_rowid: { parameters: ["pointer", "i64"], result: "void" },
  sqlite3_get_autocommit: { parameters: ["pointer"], result: "i32" },
  sqlite3_db_status: {
    parameters: ["pointer", "i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  sqlite3_limit: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  sqlite3_wal_checkpoint_v2: {
    parameters: ["pointer", "buffer", "i32", "buffer", "buffer"],
    result: "i32",
  },
  sqlite3_wal_autocheckpoint: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_file_control: { parameters: ["pointer", "buffer", "i32", "buffer"], result: "i32" },

  /** Of the library that is built with them: `page_sums_source.ts`. */
  raftlite_sums_begin: { parameters: ["buffer", "i64"], result: "i32", optional: true },
  raftlite_sums_end: { parameters: ["buffer", "i64"], result: "i32", optional: true },
  raftlite_sums_keep: { parameters: ["buffer"], result: "i32", optional: true },
  raftlite_sums_mismatches: { parameters: ["buffer", "buffer"], result: "i64", optional: true },
  /** The same: `row_id_watch_source.ts`. */
  raftlite_watch_row_ids: { parameters: ["pointer", "pointer"], result: "void", optional: true },

  /** Not in every system's library. */
  sqlite3_load_extension: {
    parameters: ["pointer", "buffer", "pointer", "buffer"],
    result: "i32",
    optional: true,
  },

  // Statements
  sqlite3_prepare_v3: {
    parameters: ["pointer", "buffer", "i32", "u32", "buffer", "pointer"],
    result: "i32",
  },
  sqlite3_expanded_sql: { parameters: ["pointer"], result: "pointer" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_step: { parameters: ["pointer"], result: "i32" },
  sqlite3_reset: { parameters: ["pointer"], result: "i32" },
  sqlite3_clear_bindings: { parameters: ["pointer"], result: "i32" },
  sqlite3_stmt_readonly: { parameters: ["pointer"], result: "i32" },
  sqlite3_stmt_isexplain: { parameters: ["pointer"], result: "i32" },
  sqlite3_next_stmt: { parameters: ["pointer", "pointer"], result: "pointer" },
  sqlite3_stmt_status: { parameters: ["pointer", "i32", "i32"], result: "i32" },

  // Parameters
  sqlite3_bind_parameter_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_bind_parameter_name: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_bind_parameter_index: { parameters: ["pointer", "buffer"], result: "i32" },
  sqlite3_bind_null: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_bind_int: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  sqlite3_bind_int64: { parameters: ["pointer", "i32", "i64"], result: "i32" },
  sqlite3_bind_double: { parameters: ["pointer", "i32", "f64"], result: "i32" },
  sqlite3_bind_text: {
    parameters: ["pointer", "i32", "buffer", "i32", "pointer"],
    result: "i32",
  },
  sqlite3_bind_blob: {
    parameters: ["pointer", "i32", "buffer", "i32", "pointer"],
    result: "i32",
  },

  // Columns
  sqlite3_column_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_data_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_column_name: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_decltype: { parameters: ["pointer", "i32"], result: "pointer" },
  /** With SQLITE_ENABLE_COLUMN_METADATA. */
  sqlite3_column_table_name: { parameters: ["pointer", "i32"], result: "pointer", optional: true },
  sqlite3_column_type: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_column_int64: { parameters: ["pointer", "i32"], result: "i64" },
  sqlite3_column_double: { parameters: ["pointer", "i32"], result: "f64" },
  sqlite3_column_text: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_blob: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_column_bytes: { parameters: ["pointer", "i32"], result: "i32" },

  // Virtual tables
  sqlite3_drop_modules: { parameters: ["pointer", "pointer"], result: "i32" },

  // Callbacks
  sqlite3_set_authorizer: { parameters: ["pointer", "function", "pointer"], result: "i32" },
  sqlite3_progress_handler: {
    parameters: ["pointer", "i32", "function", "pointer"],
    result: "void",
  },
  sqlite3_update_hook: { parameters: ["pointer", "function", "pointer"], result: "pointer" },
  /** This and the next three with SQLITE_ENABLE_PREUPDATE_HOOK. */
  sqlite3_preupdate_hook: {
    parameters: ["pointer", "function", "pointer"],
    result: "pointer",
    optional: true,
  },
  sqlite3_preupdate_old: {
    parameters: ["pointer", "i32", "buffer"],
    result: "i32",
    optional: true,
  },
  sqlite3_preupdate_new: {
    parameters: ["pointer", "i32", "buffer"],
    result: "i32",
    optional: true,
  },
  sqlite3_preupdate_blobwrite: { parameters: ["pointer"], result: "i32", optional: true },
  sqlite3_wal_hook: { parameters: ["pointer", "function", "pointer"], result: "pointer" },
  sqlite3_create_function_v2: {
    parameters: [
      "pointer",
      "buffer",
      "i32",
      "i32",
      "pointer",
      "function",
      "function",
      "function",
      "function",
    ],
    result: "i32",
  },
  sqlite3_value_type: { parameters: ["pointer"], result: "i32" },
  sqlite3_value_numeric_type: { parameters: ["pointer"], result: "i32" },
  sqlite3_value_int64: { parameters: ["pointer"], result: "i64" },
  sqlite3_value_double: { parameters: ["pointer"], result: "f64" },
  sqlite3_value_text: { parameters: ["pointer"], result: "pointer" },
  sqlite3_value_blob: { parameters: ["pointer"], result: "pointer" },
  sqlite3_value_bytes: { parameters: ["pointer"], result: "i32" },
  sqlite3_result_null: { parameters: ["pointer"], result: "void" },
  sqlite3_result_int64: { parameters: ["pointer", "i64"], result: "void" },
  sqlite3_result_double: { parameters: ["pointer", "f64"], result: "void" },
  sqlite3_result_text: { parameters: ["pointer", "buffer", "i32", "pointer"], result: "void" },
  sqlite3_result_blob: { parameters: ["pointer", "buffer", "i32", "pointer"], result: "void" },
  sqlite3_result_error: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  sqlite3_result_error_nomem: { parameters: ["pointer"], result: "void" },
  sqlite3_result_error_toobig: { parameters: ["pointer"], result: "void" },

  // Backup
  sqlite3_backup_init: {
    parameters: ["pointer", "buffer", "pointer", "buffer"],
    result: "pointer",
  },
  sqlite3_backup_step: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_backup_finish: { parameters: ["pointer"], result: "i32" },

  // Virtual file systems
  sqlite3_vfs_find: { parameters: ["buffer"], result: "pointer" },
  sqlite3_vfs_register: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_vfs_unregister: { parameters: ["pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * `sqlite3_db_config` takes variable arguments. Apple's 64-bit ARM passes those on the stack, so
 * there the six registers left are filled up first; elsewhere they travel like any others.
 */
export const dbConfigSymbol = {
  registers: {
    sqlite3_db_config: { parameters: ["pointer", "i32", "i64", "buffer"], result: "i32" },
  },
  stack: {
    sqlite3_db_config: {
      parameters: ["pointer", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64", "buffer"],
      result: "i32",
    },
  },
} as const satisfies Record<string, Deno.ForeignLibraryInterface>;
