import { Deadline } from "./deadline.ts";
import { Conflict, type RaftliteError, sqlError, Unavailable, UnknownOutcome } from "./errors.ts";
import type { Integers } from "./exact_json.ts";
import { type Answer, type Exchange, Lost } from "./exchange.ts";
import { type Failover, refusal } from "./failover.ts";
import { keyOf, type Mode } from "./options.ts";
import { Transaction } from "./transaction.ts";
import { statementsText } from "./values.ts";

/** How long to wait before the next try: at first, and at most, in ms. */
const pauses = { firstMs: 10, mostMs: 500 };
/** How long a rollback may take that nobody waits for longer: the cluster does it by itself, later. */
const rollbackMs = 1_000;

interface Parts {
  readonly exchange: Exchange;
  readonly failover: Failover;
  readonly integers: Integers;
  readonly deadline: Deadline;
  readonly mode: Mode;
  readonly attempts: number;
  /** Told how far in the log the commit is. */
  readonly saw: (index: number) => void;
}

/** Runs `body` in transactions until one is committed; see Client.transaction. */
export async function runTransaction<T>(
  body: (tx: Transaction) => Promise<T>,
  parts: Parts,
): Promise<T> {
  const { deadline, attempts } = parts;
  if (!(attempts >= 1)) throw new RangeError(`Option attempts is ${attempts}: 1 is the least`);
  for (let attempt = 1;; attempt++) {
    const tx = await begin(parts);
    const done = await runOnce(tx, body, parts);
    if (done.type === "committed") return done.value;
    const { why } = done;
    if (attempt >= attempts || deadline.isOver) throw tried(attempt, why);
    await deadline.backOff(attempt, pauses);
    if (deadline.isOver) throw tried(attempt, why);
  }
}

async function begin({ failover, exchange, integers, deadline, mode }: Parts) {
  const { answer, node } = await failover.sendTo({
    method: "POST",
    path: "/db/begin",
    body: JSON.stringify({ mode }),
  }, deadline);
  if (answer.status !== 200) throw refusal(answer);
  const { tx: id } = JSON.parse(answer.text) as { readonly tx: string };
  return new Transaction({ id, node, exchange, integers, deadline });
}

/** What became of one try. */
type Done<T> =
  | { readonly type: "committed"; readonly value: T }
  /** It is rolled back, and may be committed the next time. */
  | { readonly type: "rolled_back"; readonly why: RaftliteError };

async function runOnce<T>(
  tx: Transaction,
  body: (tx: Transaction) => Promise<T>,
  parts: Parts,
): Promise<Done<T>> {
  let value: T;
  try {
    value = await body(tx);
  } catch (error) {
    tx.end();
    await rollBack(tx);
    // Whatever it throws then, it throws of what is not so any more.
    if (tx.failure !== undefined) return { type: "rolled_back", why: tx.failure };
    throw error;
  }
  tx.end();
  if (tx.failure !== undefined) {
    await rollBack(tx);
    return { type: "rolled_back", why: tx.failure };
  }
  const why = await commit(tx, parts);
  return why === undefined ? { type: "committed", value } : { type: "rolled_back", why };
}

/** Has the cluster let go of it at once, rather than by its own times. */
async function rollBack(tx: Transaction): Promise<void> {
  if (tx.failure !== undefined && !(tx.failure instanceof Unavailable)) return;
  await tx.send({ method: "POST", path: "/db/rollback" }, new Deadline(rollbackMs)).catch(() => {});
}

/** Undefined when it is committed, otherwise why it is rolled back; throws what a next try cannot mend. */
async function commit(tx: Transaction, parts: Parts): Promise<RaftliteError | undefined> {
  const key = keyOf(undefined);
  let answer: Answer;
  try {
    answer = await tx.send({ method: "POST", path: "/db/commit", key });
  } catch (error) {
    if (!(error instanceof Lost)) throw new UnknownOutcome(givenUp, key, { cause: error });
    const why = new Unavailable(`The transaction's node was lost at its commit: ${error.message}`);
    return error.sent ? await settleEnded(tx, { key, why }, parts) : why;
  }
  const { status, kind, text, index } = answer;
  if (status === 200) {
    parts.saw(index);
    return undefined;
  }
  if (kind === "conflict") return refusal(answer);
  // FOREIGN KEY constraint failed, say: it goes on, if it is not rolled back already.
  if (kind === "invalid") {
    await rollBack(tx);
    throw sqlError(text.trim(), 0);
  }
  const why = status < 500 ? refusal(answer) : new Unavailable(text.trim());
  return nothingDone.has(kind) ? why : await settleEnded(tx, { key, why }, parts);
}

/** While it is found out: a transaction that is open yet keeps others from writing, the question too. */
async function settleEnded(
  tx: Transaction,
  doubt: Doubt,
  parts: Parts,
): Promise<RaftliteError | undefined> {
  const [settled] = await Promise.allSettled([settle(doubt, parts), rollBack(tx)]);
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

/** A commit of which it is not known what became of it, and why. */
interface Doubt {
  readonly key: string;
  readonly why: RaftliteError;
}

/** Answers to a commit that say that it was not carried out. */
const nothingDone: ReadonlySet<string | undefined> = new Set([
  "no_leader",
  "overloaded",
  "unavailable",
  "refused",
  "too_large",
]);

const givenUp = "Outcome unknown: given up while the transaction was committed";

/**
 * Finds out whether the commit under the key was carried out, for good. Where nothing was, another
 * write takes the key, one that does nothing: from then on the commit cannot be carried out any more,
 * and where it came first after all, that write is refused.
 */
async function settle(
  { key, why }: Doubt,
  { failover, deadline, saw }: Parts,
): Promise<RaftliteError | undefined> {
  const body = statementsText(["SELECT 1"]);
  for (;;) {
    const asked = await failover.send({ method: "GET", path: "/db/outcome", key }, deadline);
    if (asked.status === 200) {
      saw(asked.index);
      return undefined;
    }
    if (asked.kind !== "key_unknown") throw unsettled({ key, why }, asked);
    const taken = await failover.send({ method: "POST", path: "/db/execute", body, key }, deadline);
    if (taken.status === 200) {
      saw(taken.index);
      return why;
    }
    if (taken.kind !== "key_reused") throw unsettled({ key, why }, taken);
  }
}

function unsettled({ key, why }: Doubt, { text }: Answer): UnknownOutcome {
  return new UnknownOutcome(`Outcome unknown: ${why.message}; and asked: ${text.trim()}`, key);
}

function tried(attempts: number, why: RaftliteError): RaftliteError {
  const message = `The transaction was rolled back at each of ${attempts} tries: ${why.message}`;
  return why instanceof Conflict
    ? new Conflict(message, { cause: why })
    : new Unavailable(message, { cause: why });
}
