import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { judge, type RegisterOperation, unwritten } from "./linearizable.ts";

type Action = RegisterOperation["action"];

const write = (value: number): Action => ({ kind: "write", value });
const read = (seen: number): Action => ({ kind: "read", seen });
const swap = (from: number, to: number, done: boolean | undefined): Action => ({
  ...{ kind: "swap", from, to, done },
});

function operation(invokedAt: number, returnedAt: number, action: Action): RegisterOperation {
  return { client: 0, action, invokedAt, returnedAt };
}

const cases: readonly [
  string,
  readonly RegisterOperation[],
  "linearizable" | "not linearizable",
][] = [
  ["an empty history", [], "linearizable"],
  [
    "a read of what was written",
    [operation(1, 2, write(1)), operation(3, 4, read(1))],
    "linearizable",
  ],
  ["a stale read", [
    operation(1, 2, write(1)),
    operation(3, 4, write(2)),
    operation(5, 6, read(1)),
  ], "not linearizable"],
  ["a read beside a write", [
    operation(1, 2, write(1)),
    operation(3, 8, write(2)),
    operation(4, 5, read(2)),
    operation(6, 7, read(1)),
  ], "not linearizable"],
  [
    "a write that is lost",
    [operation(1, 2, write(1)), operation(3, 4, read(unwritten))],
    "not linearizable",
  ],
  ["an unknown write that took effect late", [
    operation(1, Infinity, write(1)),
    operation(2, 3, read(unwritten)),
    operation(4, 5, read(1)),
  ], "linearizable"],
  ["an unknown write that took effect twice", [
    operation(1, Infinity, write(1)),
    operation(2, 3, read(1)),
    operation(4, 5, write(2)),
    operation(6, 7, read(2)),
    operation(8, 9, read(1)),
  ], "not linearizable"],
  ["two swaps of one value", [
    operation(1, 2, write(1)),
    operation(3, 6, swap(1, 2, true)),
    operation(4, 7, swap(1, 3, true)),
  ], "not linearizable"],
  ["a swap that was refused beside one that was not", [
    operation(1, 2, write(1)),
    operation(3, 6, swap(1, 2, true)),
    operation(4, 7, swap(1, 3, false)),
    operation(8, 9, read(2)),
  ], "linearizable"],
  ["a swap of unknown fate", [
    operation(1, 2, write(1)),
    operation(3, Infinity, swap(1, 2, undefined)),
    operation(4, 5, read(2)),
  ], "linearizable"],
];

for (const [name, history, verdict] of cases) {
  Deno.test(`judge() takes ${name} for ${verdict}`, () => assert.equal(judge(history), verdict));
}

/** What a real register does, with calls and answers around it at random. */
function realHistory(random: Prng, count: number): RegisterOperation[] {
  let value = unwritten;
  return Array.from({ length: count }, (_, i) => {
    const action = random.chance(0.4) ? write(i + 1) : read(value);
    if (action.kind === "write") value = action.value;
    const at = 1000 * i;
    return operation(at - random.below(3000) - 0.5, at + random.below(3000) + 0.5, action);
  });
}

Deno.test("judge() takes what a register did for linearizable, and not when one read is another", () => {
  for (let seed = 1n; seed <= 100n; seed++) {
    const random = new Prng(seed);
    const history = realHistory(random, 60);
    assert.equal(judge(history), "linearizable", `seed ${seed}`);
    const spoilt = history.map((one, i) => i === 40 ? { ...one, action: read(99_999) } : one);
    assert.equal(judge(spoilt), "not linearizable", `seed ${seed}`);
  }
});

Deno.test("judge() says so when the search is too long", () => {
  const history = Array.from({ length: 30 }, (_, i) => operation(i, 100 + i, write(i + 1)));
  history.push(operation(200, 201, read(77)));
  assert.equal(judge(history, 1000), "undecided");
});
