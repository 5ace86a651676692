import { ByteWriter } from "../base/bytes.ts";
import type { ChangeFile, Chunk } from "./change_file.ts";
import type { CommitPosition } from "./commit_position.ts";
import { type GroupStart, writeGroup, writeSum, writeTable } from "./group_codec.ts";
import type { TableShape } from "./table_shapes.ts";

/** A group is cut into chunks of about so many bytes, so that nobody has to take it as a whole. */
const chunkBytes = 256 * 1024;

/** Of the chunk that is being written; replaced when it is put into the file. */
interface OpenChunk {
  /** Of its first group, and the number of that one's first change in it. */
  readonly first: number;
  readonly change: number;
  /** Of its last group. */
  last: number;
  /** Where that one begins. */
  start: number;
  /** Tables that it has named. */
  tables: TableShape[];
}

/** A place in what was written since the last commit, to go back to. */
export interface ChunkMark {
  /** Chunks that are in the file, and bytes behind them. */
  readonly added: number;
  readonly length: number;
  readonly chunk: OpenChunk | undefined;
  /** As the chunk was. */
  readonly last: number;
  readonly start: number;
  readonly tables: TableShape[] | undefined;
  readonly named: number;
  readonly inGroup: boolean;
}

/** Writes groups, and puts them into a change log's file chunk by chunk. */
export class ChunkWriter {
  readonly #file: ChangeFile;
  readonly records = new ByteWriter();
  #chunk: OpenChunk | undefined;
  /** The group under way has begun in the open chunk. */
  #inGroup = false;
  /** Where the group under way begins, as far as it is not committed. */
  #groupMark: ChunkMark;

  constructor(file: ChangeFile) {
    this.#file = file;
    this.#groupMark = this.mark();
  }

  /** The next record is of another entry. */
  endGroup(): void {
    this.#inGroup = false;
    this.#groupMark = this.mark();
  }

  /**
   * To be called before each record: has it stand in its entry's group. Returns whether that has just
   * begun, so that its SQL transaction is the one in `start`.
   */
  inGroup(start: GroupStart): boolean {
    const { records } = this;
    const chunk = this.#chunk;
    if (this.#inGroup && chunk !== undefined && records.length - chunk.start < chunkBytes) {
      return false;
    }
    // A group is cut by its own length alone: the same on every node.
    if (this.#inGroup || records.length >= chunkBytes) this.#flush();
    const { index, first } = start;
    this.#chunk ??= { first: index, change: first, last: index, start: 0, tables: [] };
    this.#chunk.last = index;
    this.#chunk.start = records.length;
    this.#chunk.tables = [];
    this.#inGroup = true;
    writeGroup(records, start);
    return true;
  }

  /** The number of a table in the group; names it there if need be. */
  numberOf(shape: TableShape): number {
    const tables = this.#chunk?.tables ?? [];
    const known = tables.indexOf(shape);
    if (known >= 0) return known;
    writeTable(this.records, shape.table);
    return tables.push(shape) - 1;
  }

  /** Puts what is written into the file. */
  #flush(): void {
    const chunk = this.#endChunk();
    if (chunk !== undefined) this.#file.put(chunk);
    this.#reset();
  }

  /** What is written, valid until the next write, which has to be of another chunk. */
  #endChunk(): Chunk | undefined {
    if (this.#chunk === undefined) return undefined;
    writeSum(this.records);
    return { ...this.#chunk, bytes: this.records.view() };
  }

  #reset(): void {
    this.records.reset(chunkBytes * 2);
    this.#chunk = undefined;
    this.#inGroup = false;
  }

  mark(): ChunkMark {
    const chunk = this.#chunk;
    return {
      added: this.#file.added,
      length: this.records.length,
      chunk,
      last: chunk?.last ?? 0,
      start: chunk?.start ?? 0,
      tables: chunk?.tables,
      named: chunk?.tables.length ?? 0,
      inGroup: this.#inGroup,
    };
  }

  rewind(mark: ChunkMark): void {
    const { records } = this;
    if (mark.added < this.#file.added) {
      const bytes = this.#file.takeBack(mark.added);
      records.reset();
      records.raw(bytes.subarray(0, mark.length));
    } else records.truncate(mark.length);
    const { chunk, last, start, tables, named } = mark;
    if (chunk !== undefined) {
      chunk.last = last;
      chunk.start = start;
      chunk.tables = tables ?? [];
      chunk.tables.length = named;
    }
    this.#chunk = chunk;
    this.#inGroup = mark.inGroup;
  }

  /** Forgets what is not committed. */
  clear(): void {
    this.#file.rollback();
    this.#reset();
    this.#groupMark = this.mark();
  }

  /** Puts all into the file, and commits it there. */
  commit(position: CommitPosition, keepFrom: number): void {
    this.#file.commit(position, keepFrom, this.#endChunk());
    this.#reset();
    this.#groupMark = this.mark();
  }

  /** What was written since a mark, chunk by chunk, each with where that begins in it. */
  *since(mark: ChunkMark): Generator<{ readonly bytes: Uint8Array; readonly from: number }> {
    for (let number = mark.added; number < this.#file.added; number++) {
      yield { bytes: this.#file.addedChunk(number), from: number === mark.added ? mark.length : 0 };
    }
    const from = mark.added === this.#file.added ? mark.length : 0;
    yield { bytes: this.records.view(), from };
  }

  /** Forgets what was written of the group under way and is not committed. */
  dropGroup(): void {
    this.rewind(this.#groupMark);
  }
}
