import { statisticsTables } from "../sqlite/mod.ts";
import { Action, told } from "./authorizer_actions.ts";
import { isOn } from "../sqlite/pragma_value.ts";
import type { RequestPragma } from "./request_pragmas.ts";

/**
 * What a statement controls, instead of reading or writing anything: outside of a load, where a
 * transaction begins or ends.
 */
export type Control =
  | { readonly type: "transaction"; readonly operation: string }
  | { readonly type: "savepoint"; readonly operation: string; readonly name: string }
  | { readonly type: "pragma"; readonly name: string; readonly value: boolean | undefined };

/** What is noted of one statement while it is prepared for a client: it travels with the statement. */
export class PreparationNotes {
  /** It, or a trigger or view that it uses, calls changes(). */
  callsChanges = false;
  /** It, or a trigger that it fires, writes the planner's statistics. */
  writesStatistics = false;
  /** It is an INSERT, whatever triggers that it fires do. */
  inserts = false;
  /** Tables that it, or a trigger that it fires, inserts into. */
  readonly insertsInto = new Set<string>();
  /** It is PRAGMA optimize, with this mask; "" when it gives none. */
  optimizes: string | undefined;
  /** It is a PRAGMA that lists what is in the schema. */
  listsSchema = false;
  /** What it answers is not the same on every node: EXPLAIN, or a PRAGMA about file or connection. */
  tellsOfNode = false;
  /** It gives this PRAGMA a value, which is not for SQLite to carry out. */
  pragma: RequestPragma | undefined;
  /** It controls this, which is not for SQLite either. */
  control: Control | undefined;
}

/** PRAGMAs that a load carries out, for as long as it lasts. */
const loadPragmas = new Set(["foreign_keys", "legacy_alter_table", "writable_schema"]);

/** PRAGMAs that set how one connection, or a file without tables, goes about its work: a load needs none. */
const tuningPragmas = new Set([
  "auto_vacuum",
  "automatic_index",
  "busy_timeout",
  "cache_size",
  "cache_spill",
  "cell_size_check",
  "checkpoint_fullfsync",
  "encoding",
  "fullfsync",
  "journal_mode",
  "journal_size_limit",
  "locking_mode",
  "mmap_size",
  "page_size",
  "read_uncommitted",
  "secure_delete",
  "synchronous",
  "temp_store",
  "threads",
  "trusted_schema",
  "wal_autocheckpoint",
  "wal_checkpoint",
]);

/** Notes what a statement does, as the authorizer is told. */
export function noteEffect(
  notes: PreparationNotes,
  action: number,
  first: string | null,
  second: string | null,
  triggerOrView: string | null,
): void {
  switch (action) {
    case Action.function:
      if (second?.toLowerCase() === "changes") notes.callsChanges = true;
      break;
    case Action.pragma:
      if (told(first).toLowerCase() === "optimize") notes.optimizes = told(second);
      break;
    case Action.insert:
      if (first !== null) notes.insertsInto.add(first);
      notes.inserts ||= triggerOrView === null;
      notes.writesStatistics ||= isStatistics(first);
      break;
    case Action.update:
    case Action.delete:
      notes.writesStatistics ||= isStatistics(first);
      break;
  }
}

function isStatistics(table: string | null): boolean {
  return statisticsTables.has(told(table).toLowerCase());
}

/** What a statement of a load controls; undefined for any other. */
export function controlOf(
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
): Control | undefined {
  switch (action) {
    case Action.transaction:
      return { type: "transaction", operation: told(first) };
    case Action.savepoint:
      return { type: "savepoint", operation: told(first), name: told(second) };
    case Action.pragma: {
      const name = told(first).toLowerCase();
      // What asks for main.page_size may be FTS4, which reads its table while it is prepared.
      if (second === null && schema !== null) return undefined;
      const held = loadPragmas.has(name) && second !== null;
      if (!held && !tuningPragmas.has(name)) return undefined;
      return { type: "pragma", name, value: second === null ? undefined : isOn(second) };
    }
    default:
      return undefined;
  }
}
