export { Backup } from "./backup.ts";
export {
  type Authorizer,
  AuthorizerResult,
  type CheckpointMode,
  type CheckpointResult,
  Database,
  type FunctionOptions,
  type OpenOptions,
  type PrepareOptions,
} from "./database.ts";
export { Determinism } from "./determinism.ts";
export { resultCodeName, SqliteError } from "./error.ts";
export { createHiddenTable } from "./hidden_table.ts";
export { InterruptCell } from "./interrupt.ts";
export {
  findLibrary,
  type FindOptions,
  type Library,
  type LibraryLocation,
  type LibraryOrigin,
  openLibrary,
} from "./library.ts";
export { SqlSource } from "./sql_source.ts";
export {
  type BindParameters,
  type BindValue,
  ColumnType,
  type ColumnValue,
  Statement,
} from "./statement.ts";
