import assert from "node:assert/strict";
import fc from "fast-check";
import { checkHistory, type Operation, type ReadKind } from "./history.ts";
import { SafetyViolation } from "./ledger.ts";

const strict: ReadonlySet<ReadKind> = new Set(["linearizable"]);

function append(
  value: number,
  from: number,
  to: number,
  outcome: "applied" | "unknown" | "refused" = "applied",
  length?: number,
): Operation {
  return {
    kind: "append",
    client: value,
    key: 0,
    value,
    invokedAt: from,
    returnedAt: to,
    outcome,
    length,
  };
}

function read(
  seen: number[],
  from: number,
  to: number,
  level: ReadKind = "linearizable",
): Operation {
  return { kind: "read", client: 0, key: 0, level, seen, invokedAt: from, returnedAt: to };
}

function check(operations: Operation[], final: number[]): void {
  checkHistory(operations, new Map([[0, final]]), strict);
}

function violates(operations: Operation[], final: number[], message: RegExp): void {
  assert.throws(
    () => check(operations, final),
    (error) => error instanceof SafetyViolation && message.test(error.message),
  );
}

Deno.test("checkHistory() accepts overlapping calls in either order", () => {
  check([append(1, 1, 4), append(2, 2, 3)], [1, 2]);
  check([append(1, 1, 4), append(2, 2, 3)], [2, 1]);
  check([append(1, 1, 4), read([], 2, 3)], [1]);
  check([append(1, 1, 4), read([1], 2, 3)], [1]);
});

Deno.test("checkHistory() finds an acknowledged append that is lost", () => {
  violates([append(1, 1, 2)], [], /acknowledged and is lost/);
});

Deno.test("checkHistory() finds an append that was carried out twice", () => {
  violates([append(1, 1, 2)], [1, 1], /appended twice/);
});

Deno.test("checkHistory() finds a refused append that took effect", () => {
  violates([append(1, 1, 2, "refused")], [1], /was refused, and took effect/);
});

Deno.test("checkHistory() lets an unknown append happen at any time later, or never", () => {
  const unknown = append(1, 1, Infinity, "unknown");
  check([unknown, read([], 5, 6)], []);
  check([unknown, read([], 5, 6), read([1], 7, 8)], [1]);
  violates([unknown, read([1], 5, 6), read([], 7, 8)], [1], /stands before it/);
});

Deno.test("checkHistory() finds a value that nobody appended", () => {
  violates([append(1, 1, 2)], [1, 9], /no client appended/);
});

Deno.test("checkHistory() finds a stale read, but not of a level that may be stale", () => {
  violates([append(1, 1, 2), read([], 3, 4)], [1], /stands before it/);
  check([append(1, 1, 2), read([], 3, 4, "none")], [1]);
});

Deno.test("checkHistory() finds reads that go back", () => {
  violates([append(1, 1, 10), read([1], 2, 3), read([], 4, 5)], [1], /stands before it/);
});

Deno.test("checkHistory() finds a read of what was never there, at every level", () => {
  violates([append(1, 1, 2), append(2, 3, 4), read([2], 1, 9, "none")], [1, 2], /no beginning/);
  violates([read([1], 1, 2, "none"), append(1, 3, 4)], [], /no beginning|is lost/);
});

Deno.test("checkHistory() finds a read from the future", () => {
  violates([read([1], 1, 2), append(1, 3, 4)], [1], /stands before it/);
});

Deno.test("checkHistory() finds appends in the wrong order, and a wrong place in an answer", () => {
  violates([append(1, 1, 2), append(2, 3, 4)], [2, 1], /stands before it/);
  violates([append(1, 1, 2, "applied", 2)], [1], /told position 2/);
});

Deno.test("checkHistory() agrees with a search over all orders", () => {
  const call = fc.record({
    isRead: fc.boolean(),
    from: fc.integer({ min: 0, max: 8 }),
    length: fc.integer({ min: 1, max: 4 }),
    seen: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(fc.property(fc.array(call, { maxLength: 6 }), (calls) => {
    let value = 0;
    const operations = calls.map(({ isRead, from, length, seen }, at) => {
      // No two moments are the same, as in a real history.
      const invokedAt = from + at / 100;
      const returnedAt = from + length + 0.5 + at / 100;
      if (!isRead) return append(++value, invokedAt, returnedAt);
      return read(Array.from({ length: seen }, (_, i) => i + 1), invokedAt, returnedAt);
    });
    const final = Array.from({ length: value }, (_, i) => i + 1);
    let accepted = true;
    try {
      check(operations, final);
    } catch {
      accepted = false;
    }
    assert.equal(accepted, canBeOrdered(operations, []));
  }));
});

/** Wing and Gong's search: some call that no other precedes goes first, and the rest follows. */
function canBeOrdered(left: readonly Operation[], list: readonly number[]): boolean {
  if (left.length === 0) return true;
  return left.some((operation) => {
    if (left.some((other) => other.returnedAt < operation.invokedAt)) return false;
    const rest = left.filter((other) => other !== operation);
    if (operation.kind === "append") {
      // The final list is 1, 2, 3 …: only the next value can stand next.
      return operation.value === list.length + 1 && canBeOrdered(rest, [...list, operation.value]);
    }
    return operation.seen?.length === list.length && canBeOrdered(rest, list);
  });
}

Deno.test("checkHistory() lets a read be old where its level does, and nobody after it older", () => {
  const all = [append(1, 1, 2), append(2, 3, 4)];
  check([...all, read([1], 5, 6, "none")], [1, 2]);
  // What it saw was done, although its append was not answered yet.
  const beside = [append(1, 1, 20), read([1], 2, 3, "none")];
  check([...beside, read([], 4, 5, "none")], [1]);
  violates(
    [...beside, read([], 4, 5)],
    [1],
    /linearizable read .* of 0 values began after none read/,
  );
});
