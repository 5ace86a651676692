import type { RecordedAnswer } from "./recording.ts";
import type { SentRequest } from "./request_series.ts";

/** A difference on purpose: a row of docs/differences.md. */
export interface Exception {
  /** The first cell of that row. */
  readonly row: string;
  /** The answers differ by this, and by nothing else that can be told. */
  covers(request: SentRequest, recorded: RecordedAnswer, answer: RecordedAnswer): boolean;
  /** What differs may also be in the database only. */
  readonly hidden?: true;
  /** What the request has left in the database may be something else, so that the series is over. */
  readonly endsSeries: boolean;
}

/** One result of the API, as far as the exceptions look at it. */
interface Result {
  readonly error?: string;
  /** Of the rows' columns; not there when there are no rows to give. */
  readonly types?: unknown;
}

const infinite = /holds -?Infinity, which JSON has no number for/;

export const exceptions: readonly Exception[] = [
  {
    row: "`/db/request?transaction` with a statement that cannot be prepared",
    covers(request, recorded, answer) {
      if (!isUnifiedTransaction(request)) return false;
      const [theirs, ours] = [resultsOf(recorded), resultsOf(answer)];
      const failed = theirs.findIndex(({ error }) => error !== undefined);
      return failed >= 0 && ours.length === failed + 1 &&
        isEqual(theirs.slice(0, failed + 1), ours);
    },
    hidden: true,
    endsSeries: true,
  },
  {
    row: "`raft_index` of a linearizable read",
    covers(_request, recorded, answer) {
      return recorded.status === answer.status && recorded.type === answer.type &&
        answer.body.replace(/,\s*"raft_index": ?<raft_index>/, "") === recorded.body;
    },
    endsSeries: false,
  },
  {
    row: "a result that holds Infinity",
    covers(_request, recorded, answer) {
      return recorded.status === 500 && recorded.body.includes("unsupported value") &&
        answer.status === 200 && resultsOf(answer).some(({ error = "" }) => infinite.test(error));
    },
    endsSeries: false,
  },
  {
    row: "parameters in the SQL of a write, and none given",
    covers(_request, recorded, answer) {
      if (recorded.status !== 200) return false;
      const [theirs, ours] = [resultsOf(recorded), resultsOf(answer)];
      return ours.length <= theirs.length &&
        ours.every((result, i) =>
          isEqual(result, theirs[i]) ||
          /^not enough args to execute query: want \d+ got 0$/.test(result.error ?? "")
        );
    },
    endsSeries: true,
  },
  {
    row: "a change of the schema that is sent as a query, and REINDEX",
    covers({ path, body = "" }, recorded, answer) {
      const isQuery = path.startsWith("/db/query");
      if (answer.status !== 200 || !(isQuery || body.includes("REINDEX"))) return false;
      const [theirs, ours] = [resultsOf(recorded), resultsOf(answer)];
      return ours.length === theirs.length && ours.every((result, i) => {
        const other = theirs[i] as Result;
        if (isEqual(result, other)) return true;
        if (!isQuery) return Object.keys(other).length === 0;
        const { error = "" } = other;
        return error.startsWith("attempt to change database") || isOfSchema(error);
      });
    },
    endsSeries: false,
  },
  {
    row: "`noparse`, with a write that has RETURNING",
    covers({ path }, recorded, answer) {
      if (!/[?&]noparse/.test(path)) return false;
      const [theirs, ours] = [resultsOf(recorded), resultsOf(answer)];
      return ours.length === theirs.length &&
        ours.every((result, i) =>
          isEqual(result, theirs[i]) ||
          (result.types !== undefined && theirs[i]?.types === undefined)
        );
    },
    endsSeries: false,
  },
];

/** What SQLite says of a change to a schema that is another. */
function isOfSchema(error: string): boolean {
  return /^(?:no such table|duplicate column name|table \w+ (?:already exists|has \d+ columns))/
    .test(error);
}

/** The exception by which two answers differ; undefined where none covers it, or nothing differs. */
export function exceptionFor(
  request: SentRequest,
  recorded: RecordedAnswer,
  answer: RecordedAnswer,
): Exception | undefined {
  const same = isSame(recorded, answer);
  return exceptions.find((exception) =>
    (!same || exception.hidden === true) && exception.covers(request, recorded, answer)
  );
}

export function isSame(recorded: RecordedAnswer, answer: RecordedAnswer): boolean {
  return recorded.status === answer.status && recorded.type === answer.type &&
    recorded.body === answer.body;
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isUnifiedTransaction({ path }: SentRequest): boolean {
  return /^\/db\/request\?(?:.*&)?transaction(?:[=&]|$)/.test(path);
}

function resultsOf({ body }: RecordedAnswer): readonly Result[] {
  if (!body.startsWith("{")) return [];
  return JSON.parse(body.replaceAll(/<(?:time|raft_index)>/g, "0")).results ?? [];
}
