import { strict as assert } from "node:assert";
import { Gathering, Proposals } from "../../../src/node/writes/proposals.ts";
import { NodeError } from "../../../src/node/types.ts";
import { SimulatedClock } from "../../simulation/clock.ts";
import { EntryType } from "../../../src/raft/types.ts";

/** A client writes, and is answered, when the test says so. */
function subject({ alone = false } = {}) {
  const clock = new SimulatedClock();
  const state = { waiting: 0, underWay: 0, batches: [] as number[] };
  const gathering = new Gathering({
    clock,
    waiting: () => state.waiting,
    underWay: () => state.underWay,
    alone: () => alone,
    enough: () => {
      state.batches.push(state.waiting);
      state.underWay += state.waiting;
      state.waiting = 0;
    },
  });
  const write = (clients: number) => {
    for (let i = 0; i < clients; i++) {
      state.waiting++;
      gathering.begin();
    }
  };
  const answer = () => {
    state.underWay = 0;
  };
  return { clock, gathering, state, write, answer };
}

Deno.test("Gathering lets a client by itself write at once", () => {
  const { clock, state, write, answer } = subject();
  for (let i = 0; i < 3; i++) {
    write(1);
    answer();
  }
  assert.deepEqual(state.batches, [1, 1, 1]);
  assert.equal(clock.pending, 0);
});

Deno.test("Gathering waits for all that write at the same time, and no longer", async () => {
  const { clock, gathering, state, write, answer } = subject();
  write(1);
  write(4);
  await clock.advance(2);
  assert.deepEqual(state.batches, [1, 4], "five are seen");
  answer();
  write(4);
  assert.deepEqual(state.batches, [1, 4], "four of five have come");
  assert(gathering.gathering);
  write(1);
  assert.deepEqual(state.batches, [1, 4, 5]);
  assert.equal(gathering.gathering, false);
  assert.equal(clock.pending, 0, "the timer is put away");
});

Deno.test("Gathering waits two milliseconds for a client that does not come, and then not again", async () => {
  const { clock, state, write, answer } = subject();
  write(1);
  write(4);
  await clock.advance(2);
  answer();
  write(4);
  await clock.advance(1.9);
  assert.deepEqual(state.batches, [1, 4]);
  await clock.advance(0.1);
  assert.deepEqual(state.batches, [1, 4, 4]);
  answer();
  write(4);
  assert.deepEqual(state.batches, [1, 4, 4, 4]);
});

Deno.test("Gathering does not wait long for the answers of a slow write", async () => {
  const { clock, state, write } = subject();
  write(1);
  write(1);
  assert.deepEqual(state.batches, [1]);
  await clock.advance(2);
  assert.deepEqual(state.batches, [1, 1]);
});

Deno.test("Gathering goes on with half of the clients where there are no followers", () => {
  const { state, write, answer } = subject({ alone: true });
  write(1);
  write(7);
  assert.deepEqual(state.batches, [1, 1, 2, 4]);
  answer();
  write(3);
  assert.deepEqual(state.batches, [1, 1, 2, 4]);
  write(1);
  assert.deepEqual(state.batches, [1, 1, 2, 4, 4]);
});

function proposal(bytes: number, deadline = 0) {
  return {
    type: EntryType.command,
    command: new Uint8Array(0),
    bytes,
    format: undefined,
    deadline,
    since: 0,
    resolve: () => {},
    reject: (_error: Error) => {},
  };
}

Deno.test("Proposals refuses those whose time is up, of which nothing was done, and keeps the others in order", () => {
  const proposals = new Proposals();
  const refused: string[] = [];
  for (const deadline of [50, 20, 60, 20]) {
    const reject = (error: Error) => {
      assert(error instanceof NodeError);
      refused.push(`${deadline}: ${error.kind}`);
    };
    proposals.add({ ...proposal(1, deadline), reject });
  }
  proposals.expire(19);
  assert.deepEqual(refused, []);
  proposals.expire(20);
  assert.deepEqual(refused, ["20: timeout", "20: timeout"]);
  assert.deepEqual(proposals.take().map(({ deadline }) => deadline), [50, 60]);
});

Deno.test("Proposals hands over the first ones, as many as fit", () => {
  const proposals = new Proposals();
  for (const bytes of [3, 4, 9, 1]) proposals.add(proposal(bytes));
  const ready = proposals.announce(5);
  assert.equal(proposals.exceeds(1, 22), true);
  assert.equal(proposals.exceeds(0, 22), false);
  assert.deepEqual(proposals.take(7).map(({ bytes }) => bytes), [3, 4]);
  assert.deepEqual(proposals.take(7).map(({ bytes }) => bytes), [9]);
  assert.equal(proposals.exceeds(0, 5), true);
  ready();
  assert.deepEqual(proposals.take().map(({ bytes }) => bytes), [1]);
  assert.equal(proposals.exceeds(100, 1), false, "one by itself always fits");
});
