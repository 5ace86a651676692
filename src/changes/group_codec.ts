import { ByteReader, type ByteWriter, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { RowOperation } from "../sqlite/mod.ts";
import type {
  Change,
  ChangedColumn,
  ChangedTable,
  ChangedValue,
  ChangeGroup,
  ReadAgain,
  RowChange,
} from "./types.ts";
import { readValue } from "./value_codec.ts";

/** First byte of each record of a chunk; README.md has what follows it. */
export const RecordType = {
  group: 1,
  table: 2,
  row: 3,
  transaction: 4,
  readAgain: 5,
  sum: 6,
} as const;

const generatedKinds = ["no", "stored", "virtual"] as const;
const reasons = ["schema", "load", "too_large", "unknown"] as const satisfies readonly ReadAgain[
  "reason"
][];
const operations: ReadonlyMap<number, RowChange["operation"]> = new Map([
  [RowOperation.insert, "insert"],
  [RowOperation.update, "update"],
  [RowOperation.delete, "delete"],
]);

/** Where in its entry a part of a group begins. */
export interface GroupStart {
  readonly index: number;
  readonly time: number;
  /** Number of its first change. */
  readonly first: number;
  /** Number of the SQL transaction that it begins in. */
  readonly transaction: number;
}

export function writeGroup(writer: ByteWriter, start: GroupStart): void {
  writer.uint8(RecordType.group);
  writer.integer(start.index);
  writer.integer(start.time);
  writer.integer(start.first);
  writer.integer(start.transaction);
}

export function writeTable(writer: ByteWriter, table: ChangedTable): void {
  writer.uint8(RecordType.table);
  writer.text(table.name);
  writer.uint8(table.hasRowId ? 1 : 0);
  writer.uint16(table.columns.length);
  for (const { name, type, primaryKey, generated } of table.columns) {
    writer.text(name);
    writer.text(type);
    writer.uint16(primaryKey);
    writer.uint8(generatedKinds.indexOf(generated));
  }
}

export function writeReadAgain(writer: ByteWriter, reason: ReadAgain["reason"]): void {
  writer.uint8(RecordType.readAgain);
  writer.uint8(reasons.indexOf(reason));
}

/** Ends a chunk: what the disk does to it is told from what was written. */
export function writeSum(writer: ByteWriter): void {
  const sum = checksum(writer.view());
  writer.uint8(RecordType.sum);
  writer.uint32(sum);
}

function readTable(reader: ByteReader): ChangedTable {
  const name = reader.text();
  const hasRowId = reader.uint8() === 1;
  const columns: ChangedColumn[] = [];
  for (let left = reader.uint16(); left > 0; left--) {
    columns.push({
      name: reader.text(),
      type: reader.text(),
      primaryKey: reader.uint16(),
      generated: at(generatedKinds, reader.uint8()),
    });
  }
  return { name, hasRowId, columns };
}

/** What stands before the values of a row's record. */
export interface RowHead {
  readonly operation: RowChange["operation"];
  readonly table: ChangedTable;
  readonly oldRowId: bigint | undefined;
  readonly newRowId: bigint | undefined;
}

/** The head of a row's record, behind its first byte; its values follow: those before, those after. */
function readRowHead(reader: ByteReader, tables: readonly ChangedTable[]): RowHead {
  const operation = operations.get(reader.uint8());
  const table = at(tables, reader.uint32());
  if (operation === undefined) throw new FormatError("A row change of no known kind");
  const oldRowId = table.hasRowId && operation !== "insert" ? reader.int64() : undefined;
  const newRowId = table.hasRowId && operation !== "delete" ? reader.int64() : undefined;
  return { operation, table, oldRowId, newRowId };
}

/** One record of a chunk, read; a row's values are still to be read. */
export type ChunkRecord =
  | { readonly type: "group"; readonly start: GroupStart }
  | { readonly type: "row"; readonly head: RowHead }
  | { readonly type: "transaction" }
  | { readonly type: "read_again"; readonly reason: ReadAgain["reason"] };

/** Reads a chunk record by record; whoever gets a row reads its values from `reader` before the next. */
export class ChunkReader {
  readonly reader: ByteReader;
  readonly #bytes: Uint8Array;
  #tables: ChangedTable[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.reader = new ByteReader(bytes);
  }

  /** Undefined at the end. */
  next(): ChunkRecord | undefined {
    const { reader } = this;
    while (reader.remaining > 0) {
      switch (reader.uint8()) {
        case RecordType.group:
          this.#tables = [];
          return {
            type: "group",
            start: {
              index: reader.integer(),
              time: reader.integer(),
              first: reader.integer(),
              transaction: reader.integer(),
            },
          };
        case RecordType.table:
          this.#tables.push(readTable(reader));
          break;
        case RecordType.row:
          return { type: "row", head: readRowHead(reader, this.#tables) };
        case RecordType.transaction:
          return { type: "transaction" };
        case RecordType.readAgain:
          return { type: "read_again", reason: at(reasons, reader.uint8()) };
        case RecordType.sum:
          this.#checkSum(reader.offset - 1);
          break;
        default:
          throw new FormatError(`Change log: no record at ${reader.offset - 1}`);
      }
    }
    return undefined;
  }

  /** @param length Of all that it is of. */
  #checkSum(length: number): void {
    if (checksum(this.#bytes.subarray(0, length)) === this.reader.uint32()) return;
    throw new FormatError("Change log: a chunk is not what was written");
  }
}

/** The groups of a chunk, each taken for complete. Throws a FormatError for what is none. */
export function decodeChunk(bytes: Uint8Array): ChangeGroup[] {
  const chunk = new ChunkReader(bytes);
  const groups: ChangeGroup[] = [];
  let changes: Change[] | undefined;
  let transaction = 0;
  for (let record = chunk.next(); record !== undefined; record = chunk.next()) {
    if (record.type === "group") {
      const { index, time, first } = record.start;
      transaction = record.start.transaction;
      changes = [];
      groups.push({ index, time, first, changes, complete: true });
      continue;
    }
    if (changes === undefined) throw new FormatError("Change log: a change without a group");
    if (record.type === "transaction") transaction++;
    else if (record.type === "read_again") {
      changes.push({ type: "read_again", reason: record.reason, transaction });
    } else changes.push(readRow(chunk.reader, record.head, transaction));
  }
  return groups;
}

/** The same; undefined where the disk has made something else of the chunk than was written. */
export function decodeStored(bytes: Uint8Array): ChangeGroup[] | undefined {
  try {
    return decodeChunk(bytes);
  } catch {
    return undefined;
  }
}

function readRow(reader: ByteReader, head: RowHead, transaction: number): RowChange {
  const values = () => Array.from(head.table.columns, (): ChangedValue => readValue(reader));
  const before = head.operation === "insert" ? undefined : values();
  const after = head.operation === "delete" ? undefined : values();
  return { type: "row", ...head, before, after, transaction };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new FormatError(`Change log: there is no number ${index} here`);
  return item;
}
