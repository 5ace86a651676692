export { Backup, type BackupOptions } from "./backup.ts";
export {
  type Authorizer,
  AuthorizerResult,
  type FunctionBody,
  type FunctionOptions,
  type WalHook,
} from "./callbacks.ts";
export {
  type CheckpointMode,
  type CheckpointResult,
  Database,
  type OpenOptions,
  type PrepareOptions,
} from "./database.ts";
export { Determinism } from "./determinism.ts";
export { ResultCode, resultCodeName, SqliteError } from "./error.ts";
export { findLibrary, type FindOptions } from "./find_library.ts";
export { buildLibrary, type BuildOptions, embedLibrary } from "./build.ts";
export { createHiddenTable } from "./hidden_table.ts";
export { InterruptCell } from "./interrupt.ts";
export { type Library, type LibraryLocation, type LibraryOrigin, openLibrary } from "./library.ts";
export { MaxRowIdWatch } from "./max_row_id.ts";
export {
  nodeLocalFunctions,
  nodeLocalTables,
  processFunctions,
  statisticsTables,
} from "./nondeterminism.ts";
export { type ProbeResult, type SqliteProfile, takeProfile } from "./profile.ts";
export { SqlSource } from "./sql_source.ts";
export { skipEmptyStatements, SqlTokens, type TokenKind } from "./sql_tokens.ts";
export { Statement } from "./statement.ts";
export { type BindParameters, type BindValue, ColumnType, type ColumnValue } from "./values.ts";
