import { SafetyViolation } from "./ledger.ts";

/** How sure a read is to be of what it sees. */
export type ReadKind = "none" | "weak" | "linearizable" | "strong";

/** One call of a client, on one key's list. Times count calls and answers, so that none are equal. */
export type Operation =
  & {
    readonly client: number;
    readonly key: number;
    readonly invokedAt: number;
    /** Infinity while there is no answer, and for an answer that leaves the outcome open. */
    returnedAt: number;
  }
  & (
    | {
      readonly kind: "append";
      readonly value: number;
      /** "unknown": may take effect at any time from its call on, or never. "refused": never does. */
      outcome: "applied" | "unknown" | "refused";
      /** The list's length after it, when the answer said so. */
      length: number | undefined;
    }
    | {
      readonly kind: "read";
      readonly level: ReadKind;
      /** What was seen; undefined when the read failed. */
      seen: readonly number[] | undefined;
    }
  );

/** What all clients saw. */
export class History {
  readonly operations: Operation[] = [];
  #time = 0;

  /** The next moment: later than all before it. */
  moment(): number {
    return ++this.#time;
  }
}

function violation(key: number, message: string): SafetyViolation {
  return new SafetyViolation("Linearizability", `list ${key}: ${message}`);
}

/**
 * Checks that all that clients saw could have happened one at a time, each between its call and its
 * answer (Herlihy and Wing 1990), against the lists that the cluster ended with.
 *
 * Keys are independent, and linearizability is local. On a list that is only appended to, with
 * values used once, what each operation saw fixes its place: an append stands at its value's
 * position, a read after the last value it saw. So there is one order to check, and what remains is
 * that it keeps to real time: whoever was answered before another's call stands before it. This
 * takes O(n log n), where a search over orders (Wing and Gong 1993) may take 2^n.
 *
 * `levels` are the read levels that must fit in. The others need only have seen a prefix; what they
 * saw was done by then, so that whoever begins later at one of `levels` sees it too.
 */
export function checkHistory(
  operations: readonly Operation[],
  final: ReadonlyMap<number, readonly number[]>,
  levels: ReadonlySet<ReadKind>,
): void {
  const keys = new Set(operations.map(({ key }) => key));
  for (const key of final.keys()) keys.add(key);
  for (const key of keys) {
    const own = operations.filter((operation) => operation.key === key);
    checkList(key, own, final.get(key) ?? [], levels);
  }
}

/** An operation at its place in the one order: after `position` appends, a read behind the append. */
interface Placed {
  readonly position: number;
  readonly isRead: boolean;
  /** It may have stood further back than it could have. */
  readonly mayBeOld: boolean;
  readonly invokedAt: number;
  readonly returnedAt: number;
  readonly name: string;
}

function checkList(
  key: number,
  operations: readonly Operation[],
  final: readonly number[],
  levels: ReadonlySet<ReadKind>,
): void {
  const positions = new Map<number, number>();
  final.forEach((value, at) => {
    if (positions.has(value)) throw violation(key, `${value} was appended twice`);
    positions.set(value, at + 1);
  });
  const placed: Placed[] = [];
  const known = new Set<number>();
  for (const operation of operations) {
    const { invokedAt, returnedAt } = operation;
    if (operation.kind === "append") {
      known.add(operation.value);
      const position = positions.get(operation.value);
      checkAppend(key, operation, position);
      if (position === undefined) continue;
      placed.push({
        position,
        isRead: false,
        mayBeOld: false,
        invokedAt,
        returnedAt,
        name: `append of ${operation.value} by client ${operation.client}`,
      });
    } else if (operation.seen !== undefined) {
      const { seen } = operation;
      const name = `${operation.level} read by client ${operation.client} of ${seen.length} values`;
      if (seen.length > final.length || seen.some((value, at) => value !== final[at])) {
        throw violation(key, `${name} saw what is no beginning of the final list`);
      }
      const mayBeOld = !levels.has(operation.level);
      placed.push({ position: seen.length, isRead: true, mayBeOld, invokedAt, returnedAt, name });
    }
  }
  for (const value of final) {
    if (!known.has(value)) throw violation(key, `holds ${value}, which no client appended`);
  }
  checkRealTime(key, placed);
}

function checkAppend(
  key: number,
  append: Operation & { readonly kind: "append" },
  position: number | undefined,
): void {
  const name = `append of ${append.value} by client ${append.client}`;
  switch (append.outcome) {
    case "applied":
      if (position === undefined) throw violation(key, `${name} was acknowledged and is lost`);
      if (append.length !== undefined && append.length !== position) {
        throw violation(
          key,
          `${name} was told position ${append.length}, and stands at ${position}`,
        );
      }
      break;
    case "refused":
      if (position !== undefined) throw violation(key, `${name} was refused, and took effect`);
      break;
    case "unknown":
      break;
  }
}

/** Whether `a` comes after `b` in the one order there is; two reads of one length may stand either way. */
function standsAfter(a: Placed, b: Placed): boolean {
  if (a.position !== b.position) return a.position > b.position;
  return a.isRead && !b.isRead;
}

/** Nobody answered before another's call may stand after it. */
function checkRealTime(key: number, placed: readonly Placed[]): void {
  const calls = placed.filter(({ mayBeOld }) => !mayBeOld).sort((a, b) =>
    a.invokedAt - b.invokedAt
  );
  const answers = [...placed].sort((a, b) => a.returnedAt - b.returnedAt);
  let latest: Placed | undefined;
  let next = 0;
  for (const call of calls) {
    for (; next < answers.length; next++) {
      const answer = answers[next];
      if (answer === undefined || answer.returnedAt >= call.invokedAt) break;
      if (latest === undefined || standsAfter(answer, latest)) latest = answer;
    }
    if (latest !== undefined && standsAfter(latest, call)) {
      throw violation(key, `${call.name} began after ${latest.name}, and stands before it`);
    }
  }
}
