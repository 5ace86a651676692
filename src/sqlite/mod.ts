export { Backup } from "./backup.ts";
export { type Authorizer, AuthorizerResult } from "./callbacks.ts";
export { companions, filesOfDatabase } from "./companions.ts";
export { type CheckpointResult, Database } from "./database.ts";
export { DatabaseImage, type FileImage, type Journal } from "./database_image.ts";
export { DbConfig, withWritableSchema } from "./db_config.ts";
export { Determinism } from "./determinism.ts";
export { ResultCode, SqliteError } from "./error.ts";
export { examineExtensions, type ExtensionFile, type Extensions } from "./extensions.ts";
export { findLibrary } from "./find_library.ts";
export { createHiddenTable, hasTable } from "./hidden_table.ts";
export { EditTooLargeError, ImageEdit } from "./image_edit.ts";
export { InterruptCell } from "./interrupt.ts";
export { type Library, type LibraryLocation, locationOf, openLibrary } from "./library.ts";
export {
  nodeLocalFunctions,
  nodeLocalTables,
  processFunctions,
  statisticsTables,
} from "./nondeterminism.ts";
export { normalSql } from "./normal_sql.ts";
export { type Mismatches, PageSums } from "./page_sums.ts";
export { PreupdateHook, requirePreupdateHook, RowOperation } from "./preupdate_hook.ts";
export { extensionProfile, type SqliteProfile, takeProfile } from "./profile.ts";
export { MaxRowIdWatch } from "./row_id_watch.ts";
export { skipEmptyStatements, SqlSource, SqlTokens } from "./sql_tokens.ts";
export { Statement } from "./statement.ts";
export { type BindValue, ColumnType, type ColumnValue } from "./memory.ts";
