/** What a client did to a register. Times count calls and answers, so that none are equal. */
export interface RegisterOperation {
  readonly client: number;
  readonly action:
    | { readonly kind: "write"; readonly value: number }
    /** `done`: undefined when that is not known. */
    | {
      readonly kind: "swap";
      readonly from: number;
      readonly to: number;
      readonly done: boolean | undefined;
    }
    | { readonly kind: "read"; readonly seen: number };
  readonly invokedAt: number;
  /** Infinity where there was no answer: it may take effect at any time from its call on, or never. */
  readonly returnedAt: number;
}

export type Verdict = "linearizable" | "not linearizable" | "undecided";

/** The value of a register that nobody has written. */
export const unwritten = 0;

interface Event {
  readonly operation: number;
  readonly isCall: boolean;
  before: Event | undefined;
  after: Event | undefined;
}

/**
 * Whether all that was seen of one register could have happened one at a time, each between its call
 * and its answer: the search of Wing and Gong (1993) with the memory of Lowe (2017), which never
 * looks at the same set of operations and value twice. `configurationsMax` bounds it.
 */
export function judge(
  operations: readonly RegisterOperation[],
  configurationsMax = 500_000,
): Verdict {
  const head: Event = { operation: -1, isCall: false, before: undefined, after: undefined };
  const answers = link(head, operations);
  let left = operations.filter(({ returnedAt }) => returnedAt !== Infinity).length;
  const seen = new Set<string>();
  const done: { readonly call: Event; readonly value: number }[] = [];
  let mask = 0n;
  let value = unwritten;
  let at = head.after;
  while (left > 0) {
    if (at !== undefined && at.isCall) {
      const operation = operations[at.operation];
      const next = operation === undefined ? undefined : effect(operation, value);
      const bit = 1n << BigInt(at.operation);
      const key = `${(mask | bit).toString(36)} ${next}`;
      if (next === undefined || seen.has(key)) {
        at = at.after;
        continue;
      }
      if (seen.size >= configurationsMax) return "undecided";
      seen.add(key);
      done.push({ call: at, value });
      value = next;
      mask |= bit;
      lift(at, answers.get(at.operation));
      if (operation?.returnedAt !== Infinity) left--;
      at = head.after;
      continue;
    }
    // An answer whose operation has not happened, or the end: what was done last was wrong.
    const last = done.pop();
    if (last === undefined) return "not linearizable";
    const { call } = last;
    value = last.value;
    mask &= ~(1n << BigInt(call.operation));
    putBack(call, answers.get(call.operation));
    if (operations[call.operation]?.returnedAt !== Infinity) left++;
    at = call.after;
  }
  return "linearizable";
}

/** Makes the list of all calls and answers in their order; returns the answers. */
function link(head: Event, operations: readonly RegisterOperation[]): Map<number, Event> {
  const moments = operations.flatMap(({ invokedAt, returnedAt }, operation) => [
    { at: invokedAt, operation, isCall: true },
    ...(returnedAt === Infinity ? [] : [{ at: returnedAt, operation, isCall: false }]),
  ]).sort((a, b) => a.at - b.at);
  const answers = new Map<number, Event>();
  let last = head;
  for (const { operation, isCall } of moments) {
    const event: Event = { operation, isCall, before: last, after: undefined };
    last.after = event;
    last = event;
    if (!isCall) answers.set(operation, event);
  }
  return answers;
}

/** The value after it; undefined where it cannot have happened so. */
function effect({ action }: RegisterOperation, value: number): number | undefined {
  switch (action.kind) {
    case "write":
      return action.value;
    case "read":
      return action.seen === value ? value : undefined;
    case "swap": {
      const does = action.from === value;
      if (action.done !== undefined && action.done !== does) return undefined;
      return does ? action.to : value;
    }
  }
}

function lift(call: Event, answer: Event | undefined): void {
  for (const event of [call, answer]) {
    if (event?.before !== undefined) event.before.after = event.after;
    if (event?.after !== undefined) event.after.before = event.before;
  }
}

function putBack(call: Event, answer: Event | undefined): void {
  for (const event of [answer, call]) {
    if (event?.before !== undefined) event.before.after = event;
    if (event?.after !== undefined) event.after.before = event;
  }
}
