import { createHiddenTable, type Database, hasTable } from "../../sqlite/mod.ts";
import { upkeepTaskNumber, upkeepTasks } from "../codec/upkeep_codec.ts";
import type { UpkeepRecord, UpkeepRecords, UpkeepTask } from "../types.ts";

/** Only there once upkeep was asked for; README.md describes it. */
export const upkeepTable = "sqlite_raft_upkeep";

export const upkeepColumns =
  "task INTEGER PRIMARY KEY, since INTEGER, last INTEGER, noted_index INTEGER";

type Row = [task: number, since: number, last: number | null, index: number];

export const noUpkeep: UpkeepRecords = {
  vacuum: undefined,
  optimize: undefined,
  scrub: undefined,
};

/** Creates the table where there is none; not inside a transaction. */
export function createUpkeepTable(database: Database): void {
  createHiddenTable(database, upkeepTable, upkeepColumns);
}

export function readUpkeepRecords(database: Database): UpkeepRecords {
  if (!hasTable(database, upkeepTable)) return noUpkeep;
  using statement = database.prepare(`SELECT task, since, last, noted_index FROM ${upkeepTable}`);
  const records: Record<UpkeepTask, UpkeepRecord | undefined> = { ...noUpkeep };
  for (const [number, since, last, index] of statement.values<Row>()) {
    const task = upkeepTasks.find((name) => upkeepTaskNumber(name) === number);
    if (task !== undefined) records[task] = { since, last: last ?? undefined, index };
  }
  return records;
}

/** In a transaction that the caller holds; the table must be there. */
export function writeUpkeepRecord(
  database: Database,
  task: UpkeepTask,
  { since, last, index }: UpkeepRecord,
): void {
  database.exec(
    `INSERT OR REPLACE INTO ${upkeepTable} VALUES (?, ?, ?, ?)`,
    upkeepTaskNumber(task),
    since,
    last ?? null,
    index,
  );
}
