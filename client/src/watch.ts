import { Refused } from "./errors.ts";
import { type Integers, parseExact, rowsOf } from "./exact_json.ts";
import type { WatchOptions } from "./options.ts";
import { Result, type Row } from "./result.ts";
import { follow, type StreamParts } from "./stream.ts";
import { type Parameters, statementsText, type Value } from "./values.ts";

interface Parts extends StreamParts {
  readonly integers: Integers;
  readonly seen: () => number;
  readonly saw: (index: number) => void;
}

/** At this place of the rows, as the splices before have left them, that many go and these come. */
export interface Splice {
  readonly at: number;
  readonly removed: number;
  readonly added: readonly (readonly Value[])[];
}

/** What a watched query comes to, from one index of the cluster's log on. */
export class WatchedResult<R extends Row = Row> extends Result<R> {
  readonly index: number;
  /** What is other than in the last one; undefined where all may be. */
  readonly splices: readonly Splice[] | undefined;

  constructor(
    columns: readonly string[],
    values: readonly (readonly Value[])[],
    { index, splices }: {
      readonly index: number;
      readonly splices: readonly Splice[] | undefined;
    },
  ) {
    super({ columns, values, rowsAffected: 0, lastInsertId: 0 });
    this.index = index;
    this.splices = splices;
  }
}

interface Message {
  readonly index: unknown;
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly changes?: readonly (readonly [unknown, unknown, readonly (readonly unknown[])[]])[];
  readonly end?: boolean;
  readonly error?: string;
}

/** See Client.watch. */
export async function* watchQuery<R extends Row>(
  parts: Parts,
  { sql, params, options }: {
    readonly sql: string;
    readonly params: Parameters;
    readonly options: WatchOptions;
  },
): AsyncGenerator<WatchedResult<R>, void, undefined> {
  const { integers, seen, saw } = parts;
  const body = statementsText([{ sql, params }]);
  const messages = follow(parts, {
    what: "what a query comes to",
    signal: options.signal,
    call: () => ({
      method: "POST",
      path: "/db/watch",
      parameters: {
        format: "ndjson",
        exact: "",
        level: options.level,
        min_index: seen(),
      },
      body,
    }),
    read: (line) => {
      const message = parseExact(line, integers) as Message;
      if (message.error !== undefined) throw new Refused(message.error, 200);
      return { ...message, isEnd: message.end === true };
    },
  });
  let columns: readonly string[] = [];
  let values: (readonly Value[])[] = [];
  for await (const message of messages) {
    const { rows, changes } = message;
    const index = Number(message.index);
    saw(index);
    let splices: Splice[] | undefined;
    if (rows !== undefined) {
      columns = message.columns ?? [];
      values = rowsOf(rows, integers);
    } else if (changes !== undefined) {
      splices = changes.map(([at, removed, added]) => ({
        ...{ at: Number(at), removed: Number(removed) },
        added: rowsOf(added, integers),
      }));
      values = [...values];
      for (const { at, removed, added } of splices) {
        values.splice(at, removed, ...added);
      }
    } else continue;
    yield new WatchedResult<R>(columns, values, { index, splices });
  }
}
