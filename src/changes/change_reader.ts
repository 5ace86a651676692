import { Database, type Library, type Statement } from "../sqlite/mod.ts";
import type { AppliedWaits } from "./applied_waits.ts";
import type { Chunk } from "./change_file.ts";
import { decodeStored } from "./group_codec.ts";
import {
  type ChangeGroup,
  type ChangeLog,
  type ChangeLogStatus,
  type ChangePosition,
  type ChangesRead,
  ChangesTruncatedError,
  positionBehind,
} from "./types.ts";

/** What a call of `read` takes by default: a moment on the main thread. */
const defaultBytesMax = 1024 * 1024;

interface Options {
  readonly library: Library;
  /** Of the file, which is there. */
  readonly path: string;
  readonly bytesMax: number;
  /** The last entry that is applied. */
  readonly applied: () => number;
  readonly waits: Pick<AppliedWaits, "wait">;
}

/** The change log as the main thread reads it, on a connection of its own. */
export class ChangeReader implements ChangeLog {
  readonly #options: Options;
  #open: OpenFile | undefined;
  #ended: Error | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get status(): ChangeLogStatus {
    const { bytesMax, applied } = this.#options;
    const { oldest, bytes } = this.#ended === undefined ? this.#file : { oldest: 0, bytes: 0 };
    return { oldest, last: applied(), bytes, bytesMax };
  }

  get #file(): OpenFile {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#open ??= new OpenFile(this.#options.library, this.#options.path);
  }

  read(from: ChangePosition, bytesMax = defaultBytesMax): ChangesRead {
    const last = this.#options.applied();
    const file = this.#file;
    return file.atOnce(() => {
      const { oldest } = file;
      if (from.index < oldest) throw new ChangesTruncatedError(from.index, oldest);
      if (from.index > last) return { groups: [], next: from };
      return readGroups(file, from, last, bytesMax);
    });
  }

  wait(index: number, signal?: AbortSignal): Promise<void> {
    return this.#options.waits.wait(index, signal);
  }

  /** Ends all that reads. */
  end(error: Error): void {
    this.#ended ??= error;
    this.#open?.close();
    this.#open = undefined;
  }
}

function readGroups(
  file: OpenFile,
  from: ChangePosition,
  last: number,
  bytesMax: number,
): ChangesRead {
  const groups: ChangeGroup[] = [];
  let bytes = 0;
  let number = file.find(from.index);
  let next = file.chunk(number);
  while (next !== undefined && next.first <= last) {
    const chunk = next;
    const found = groupsIn(chunk);
    if (found === undefined) {
      const stop = groups[groups.length - 1];
      if (stop !== undefined) return { groups, next: positionBehind(stop) };
      const oldest = Math.max(from.index, Math.min(chunk.last, last)) + 1;
      throw new ChangesTruncatedError(from.index, oldest, "damaged");
    }
    const end = found[found.length - 1];
    next = file.chunk(++number);
    const goesOn = end !== undefined && next?.first === end.index && next.change > 0;
    for (const group of found) {
      if (group.index > last || group.index < from.index) continue;
      const complete = !(goesOn && group === end);
      const wanted = behind(group, from);
      if (wanted.changes.length > 0) groups.push({ ...wanted, complete });
    }
    bytes += chunk.bytes.length;
    const stop = groups[groups.length - 1];
    if (stop === undefined || bytes < bytesMax || next === undefined) continue;
    return { groups, next: positionBehind(stop) };
  }
  return { groups, next: { index: last + 1, change: 0 } };
}

/** Undefined where the disk has made something else of the chunk than was written. */
function groupsIn({ first, change, bytes }: StoredChunk): ChangeGroup[] | undefined {
  const groups = decodeStored(bytes);
  const begin = groups?.[0];
  return begin?.index === first && begin.first === change ? groups : undefined;
}

/** What of a group is not before `from`. */
function behind(group: ChangeGroup, { index, change }: ChangePosition): ChangeGroup {
  const passed = group.index === index ? change - group.first : 0;
  if (passed <= 0) return group;
  return { ...group, first: group.first + passed, changes: group.changes.slice(passed) };
}

type StoredChunk = Pick<Chunk, "first" | "last" | "change" | "bytes">;

/** The file, open for reading. */
class OpenFile {
  readonly #database: Database;
  readonly #begin: Statement;
  readonly #end: Statement;
  readonly #oldest: Statement;
  readonly #bounds: Statement;
  readonly #lastOf: Statement;
  readonly #chunk: Statement;
  readonly #bytes: Statement;

  constructor(library: Library, path: string) {
    const database = this.#database = new Database(path, { library, create: false });
    try {
      database.exec("PRAGMA query_only = ON");
      const prepare = (sql: string) => database.prepare(sql, { persistent: true });
      this.#begin = prepare("BEGIN");
      this.#end = prepare("ROLLBACK");
      this.#oldest = prepare("SELECT oldest FROM state");
      this.#bounds = prepare("SELECT min(number), max(number) FROM chunk");
      this.#lastOf = prepare("SELECT last FROM chunk WHERE number = ?");
      this.#chunk = prepare("SELECT first, last, change, bytes FROM chunk WHERE number = ?");
      this.#bytes = prepare(
        "SELECT coalesce(max(start + size) - min(start), 0) FROM " +
          "(SELECT * FROM (SELECT start, size FROM chunk ORDER BY number LIMIT 1) UNION ALL " +
          "SELECT * FROM (SELECT start, size FROM chunk ORDER BY number DESC LIMIT 1))",
      );
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Runs `body` on the file as it is at one moment. */
  atOnce<Result>(body: () => Result): Result {
    this.#begin.run();
    try {
      return body();
    } finally {
      this.#end.run();
    }
  }

  get oldest(): number {
    return this.#oldest.value<[number]>()?.[0] ?? 1;
  }

  get bytes(): number {
    return this.#bytes.value<[number]>()?.[0] ?? 0;
  }

  /** The number of the first chunk that reaches up to an index, or behind the last; numbers have no gaps. */
  find(index: number): number {
    let [low, high] = this.#bounds.value<[number | null, number | null]>() ?? [null, null];
    if (low === null || high === null) return 1;
    high++;
    while (low < high) {
      const middle: number = Math.floor((low + high) / 2);
      const [last] = this.#lastOf.value<[number]>(middle) ?? [0];
      if (last < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  chunk(number: number): StoredChunk | undefined {
    const row = this.#chunk.value<[number, number, number, Uint8Array]>(number);
    if (row === undefined) return undefined;
    const [first, last, change, bytes] = row;
    return { first, last, change, bytes };
  }

  close(): void {
    this.#database.close();
  }
}
