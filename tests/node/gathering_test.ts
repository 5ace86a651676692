import { strict as assert } from "node:assert";
import { Gathering } from "../../src/node/gathering.ts";

/** Turns of the event loop take 0.1 ms and come when the test says so. */
function subject() {
  let now = 0;
  const turns: (() => void)[] = [];
  const state = { waiting: 0, taken: 0 };
  const gathering = new Gathering(
    {
      now: () => now,
      wallTime: () => now,
      soon: (callback) => void turns.push(callback),
      after: () => assert.fail("no timer is needed"),
    },
    () => state.waiting,
    () => state.taken++,
  );
  const turn = () => {
    now += 0.1;
    for (const callback of turns.splice(0)) callback();
  };
  return { gathering, state, turn };
}

Deno.test("Gathering lets a client by itself write at once", () => {
  const { gathering, state } = subject();
  for (let i = 1; i < 4; i++) {
    state.waiting = 1;
    gathering.begin();
    assert.equal(state.taken, i);
    gathering.taken();
    gathering.answered();
  }
});

Deno.test("Gathering waits for as many as were just answered", () => {
  const { gathering, state, turn } = subject();
  for (let i = 0; i < 3; i++) gathering.answered();
  gathering.taken();
  for (state.waiting = 1; state.waiting < 3; state.waiting++) {
    gathering.begin();
    turn();
    assert.equal(state.taken, 0, `${state.waiting} of 3`);
    assert(gathering.gathering);
  }
  turn();
  assert.equal(state.taken, 1);
  assert.equal(gathering.gathering, false);
});

Deno.test("Gathering does not wait longer than a millisecond", () => {
  const { gathering, state, turn } = subject();
  for (let i = 0; i < 3; i++) gathering.answered();
  gathering.taken();
  state.waiting = 1;
  gathering.begin();
  for (let i = 0; i < 9; i++) turn();
  assert.equal(state.taken, 0);
  turn();
  turn();
  assert.equal(state.taken, 1);
});
