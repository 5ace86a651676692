import { checksum } from "../../src/base/checksum.ts";
import type { Change, ChangeGroup, ChangeLog } from "../../src/changes/types.ts";
import { SafetyViolation } from "./ledger.ts";
import type { Contents } from "./store_home.ts";

/** What one node can tell of changes. */
export interface KeptChanges {
  readonly id: string;
  readonly log: ChangeLog;
}

/** What checking them came to. */
export interface ChangesChecked {
  /** Entries whose changes at least two nodes tell. */
  readonly compared: number;
  /** Changes of rows of which the tables were made again; 0 where nobody tells of them from the first on. */
  readonly replayed: number;
}

function violation(message: string): SafetyViolation {
  return new SafetyViolation("Change log", message);
}

/**
 * Checks that all nodes tell the same of each entry, each change once, and that the tables follow
 * from it, row by row: what is inserted was not there, and what is changed or deleted was there as it
 * says. `contents`: what the nodes, which have applied the same, end with.
 */
export function checkChangeLogs(kept: readonly KeptChanges[], contents: Contents): ChangesChecked {
  const all = kept.map(({ id, log }) => {
    const { oldest } = log.status;
    const { groups } = log.read({ index: oldest, change: 0 }, Number.POSITIVE_INFINITY);
    return { id, oldest, groups, texts: textsOf(id, groups) };
  });
  const longest = all.sort((a, b) => a.oldest - b.oldest)[0];
  if (longest === undefined) return { compared: 0, replayed: 0 };
  let compared = 0;
  for (const { id, oldest, texts } of all) {
    if (id === longest.id) continue;
    for (const index of new Set([...texts.keys(), ...longest.texts.keys()])) {
      if (index < oldest) continue;
      const [one, other] = [texts.get(index), longest.texts.get(index)];
      compared++;
      if (one === other) continue;
      const both = `${id}: ${one}\n  ${longest.id}: ${other}`;
      throw violation(`of entry ${index} two nodes tell other changes:\n  ${both}`);
    }
  }
  const replayed = longest.oldest <= 1 ? replay(longest.groups, contents) : 0;
  return { compared, replayed };
}

/** What is told of each entry, as one text; throws where a position is told twice or left out. */
function textsOf(id: string, groups: readonly ChangeGroup[]): Map<number, string> {
  const texts = new Map<number, string>();
  let open: { readonly index: number; count: number } | undefined;
  let last = 0;
  for (const { index, first, changes, complete } of groups) {
    const isNext = open === undefined ? index > last && first === 0 : index === open.index;
    if (!isNext || first !== (open?.count ?? 0)) {
      throw violation(`${id} tells change ${first} of entry ${index} where it does not belong`);
    }
    texts.set(index, (texts.get(index) ?? "") + changes.map((one) => `${textOf(one)}\n`).join(""));
    open = complete ? undefined : { index, count: first + changes.length };
    last = index;
  }
  return texts;
}

function textOf(change: Change): string {
  return JSON.stringify(change, (_, value) => shown(value));
}

/** As text where JSON has no such thing, and short. */
function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes, ${checksum(value)}`;
  return typeof value === "bigint" ? `${value}` : value;
}

/** Makes the tables of their changes alone. */
function replay(groups: readonly ChangeGroup[], contents: Contents): number {
  const tables = new Map<string, Map<bigint, string>>();
  let replayed = 0;
  for (const { index, changes } of groups) {
    for (const change of changes) {
      if (change.type !== "row") continue;
      const { operation, table: { name }, oldRowId, newRowId, before, after } = change;
      const rows = tables.get(name) ?? new Map<bigint, string>();
      tables.set(name, rows);
      const where = `${operation} of entry ${index} in ${name}`;
      if (oldRowId !== undefined) {
        const had = rows.get(oldRowId);
        if (had !== rowText(before)) throw violation(`${where}: row ${oldRowId} was ${had} here`);
        rows.delete(oldRowId);
      }
      if (newRowId !== undefined) {
        if (rows.has(newRowId)) throw violation(`${where}: row ${newRowId} is there already`);
        rows.set(newRowId, rowText(after));
      }
      replayed++;
    }
  }
  for (const [name, rows] of contents.tables) {
    if (name.startsWith("sqlite_")) continue;
    const had = rows.map(rowText).sort();
    const made = [...tables.get(name)?.values() ?? []].sort();
    const at = had.findIndex((row, i) => row !== made[i]);
    if (at >= 0 || made.length !== had.length) {
      const both = `${made[at]}, in the database ${had[at]}`;
      throw violation(`table ${name} has ${made.length} rows by its changes, among them ${both}`);
    }
  }
  return replayed;
}

function rowText(row: readonly unknown[] | undefined): string {
  return JSON.stringify(row?.map((value) => `${shown(value)}`));
}
