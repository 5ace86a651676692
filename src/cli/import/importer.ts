import { type Client, SqlError, type Transaction } from "@raftlite/client";
import { type Batch, batchesOf, inserts } from "./batches.ts";
import { nameOfImport, refuseOlder } from "./import_name.ts";
import type { TablePlan } from "./table_plan.ts";
import { ImportError, type Source, type SourceRow } from "./types.ts";

/** How long one batch may take, through elections and all, in ms. */
const batchTimeoutMs = 10 * 60_000;
/** Of a batch's last result: how many rows of the import are added with it. */
const doneColumn = "done";

export interface ImportParts {
  readonly db: Client;
  readonly source: Source;
  readonly plan: TablePlan;
  /** Of the file, and of all that says how its rows are read. */
  readonly identity: string;
  /** Rows of the file to be passed over. */
  readonly skip: number;
  /** Adds the rows even though an import of the same file has. */
  readonly again: boolean;
  /** Told how far it is: the rows behind it, those of them that an earlier run had added, and the bytes. */
  readonly progress: (rows: number, earlier: number, bytes: number) => void;
  readonly signal: AbortSignal;
}

export interface Imported {
  readonly added: number;
  /** Not added, as rows with their keys are there. */
  readonly passed: number;
  /** By an earlier run, of which this one was the continuation. */
  readonly earlier: number;
}

/**
 * Adds the rows of a source to a table, batch by batch, each under a key of its own: what a run has
 * added that was killed, the next run finds by the keys, and goes on behind it. Throws an ImportError.
 */
export async function runImport(parts: ImportParts): Promise<Imported> {
  const { source, plan, skip, progress, signal } = parts;
  const name = await begin(parts);
  const earlier = await rowsDone(parts, name);
  let added = 0;
  let rows = 0;
  let sending: Promise<void> | undefined;
  try {
    // While one batch is written, the next one is read.
    for await (const batch of batchesOf(source, plan, skip + earlier)) {
      signal.throwIfAborted();
      await sending;
      sending = add(parts, name, batch).then((count) => {
        added += count;
        rows += batch.rows.length;
        progress(earlier + rows, earlier, batch.rows.at(-1)?.bytes ?? 0);
      });
      sending.catch(() => {});
    }
    await sending;
  } catch (error) {
    await sending?.catch(() => {});
    if (!(error instanceof ImportError) || earlier + rows === 0) throw error;
    throw new ImportError(`${error.message}\n${soFar(skip + earlier + rows, plan)}`, {
      cause: error,
    });
  }
  return { added, passed: rows - added, earlier };
}

function soFar(rows: number, { table }: TablePlan): string {
  return `The first ${rows} rows are in ${table}: go on by -skip ${rows} once the file is mended`;
}

/** What all keys of an import begin with: of the file, the table, and the how manieth time it is. */
async function begin(parts: ImportParts): Promise<string> {
  const { db, plan, identity, again } = parts;
  const base = nameOfImport(identity, plan.table);
  let times = 0;
  while (await db.outcome(`${base}-${times}`) !== undefined) times++;
  if (times > 0 && plan.create === undefined && !again) return `${base}-${times - 1}`;
  if (times === 0 && plan.create === undefined && !again) await refuseOlder(parts);
  // A table that is not there has lost what was added to it.
  const key = `${base}-${times}`;
  const create = plan.create?.replace(/^CREATE TABLE/, "CREATE TABLE IF NOT EXISTS");
  await db.execute(create ?? "SELECT 1", [], { key, timeoutMs: batchTimeoutMs });
  return key;
}

/** The key of the batch that begins behind so many rows of the file. */
function keyOfBatch(name: string, skip: number, from: number): string {
  return `${name}-${from - skip}`;
}

/** How many rows an earlier run has added: each batch's results say up to where it goes. */
async function rowsDone({ db, skip }: ImportParts, name: string): Promise<number> {
  for (let done = 0;;) {
    const results = await db.outcome(keyOfBatch(name, skip, skip + done));
    if (results === undefined) return done;
    const next = Number(results.at(-1)?.rows[0]?.[doneColumn]);
    if (!(next > done)) {
      throw new ImportError("What an earlier import has added is not to be made out");
    }
    done = next;
  }
}

/** How many rows it has added: others may have been in the way. */
async function add(
  { db, plan, skip, signal }: ImportParts,
  name: string,
  { from, rows }: Batch,
): Promise<number> {
  const done = from - skip + rows.length;
  try {
    const results = await db.batch(
      [...inserts(rows, plan), { sql: `SELECT ? AS ${doneColumn}`, params: [done] }],
      { key: keyOfBatch(name, skip, from), signal, timeoutMs: batchTimeoutMs },
    );
    return results.reduce((sum, { rowsAffected }) => sum + rowsAffected, 0);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw await faultIn(db, plan, rows) ?? new ImportError(error.message, { cause: error });
  }
}

/** Thrown to roll back. */
const found = Symbol("found");

async function errorOf(
  tx: Transaction,
  plan: TablePlan,
  rows: readonly SourceRow[],
): Promise<SqlError | undefined> {
  try {
    await tx.batch(inserts(rows, plan));
    return undefined;
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
}

/** Which row of a batch cannot be added, and why: tried in a transaction that is rolled back. */
async function faultIn(
  db: Client,
  plan: TablePlan,
  rows: readonly SourceRow[],
): Promise<ImportError | undefined> {
  let fault: ImportError | undefined;
  try {
    await db.transaction(async (tx) => {
      fault = undefined;
      // Those from `low` to `high` cannot be added; those before `low` are.
      let low = 0;
      let high = rows.length;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (await errorOf(tx, plan, rows.slice(low, middle)) === undefined) low = middle;
        else high = middle;
      }
      const error = await errorOf(tx, plan, rows.slice(low, high));
      if (error !== undefined) {
        fault = new ImportError(`${rows[low]?.place}: ${error.message}`, { cause: error });
      }
      throw found;
    }, { mode: "immediate", timeoutMs: 60_000 });
  } catch (error) {
    if (error !== found) throw error;
  }
  return fault;
}
