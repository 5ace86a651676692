import { strict as assert } from "node:assert";
import { Driver } from "../../src/node/driver.ts";
import { WriteStages } from "../../src/node/writes/write_stages.ts";
import type { Entry, Ready } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const nothing: Ready = {
  hardState: undefined,
  entries: [],
  messages: [],
  messagesAfterPersist: [],
  applyThrough: 0,
  readStates: [],
  readsDropped: [],
  loads: [],
  snapshots: [],
  configuration: undefined,
  status: undefined,
};

/** A driver whose core wants `wanted` done, and whose log has entries behind `compacted` on. */
function subject(wanted: (Partial<Ready> | Error)[]) {
  const clock = new SimulatedClock();
  const state = {
    compacted: 0,
    read: (): Promise<Entry[]> => Promise.resolve([]),
    loaded: [] as [string, number][],
    failures: [] as unknown[],
  };
  const unasked = () => assert.fail("Nobody asked for this");
  const driver = new Driver({
    raft: {
      ready: () => {
        const next = wanted.shift();
        if (next instanceof Error) throw next;
        return next === undefined ? undefined : { ...nothing, ...next };
      },
      persisted: unasked,
      loaded: (to, entries) => void state.loaded.push([to, entries.length]),
    },
    log: {
      append: unasked,
      busy: false,
      read: () => state.read(),
      get firstIndex() {
        return state.compacted + 1;
      },
      lastIndex: 100,
    },
    transport: { send: unasked },
    proposer: { proposeWaiting: () => {}, logIdle: () => {} },
    reads: { begin: () => {}, confirmed: unasked, dropped: () => {} },
    applier: { applied: 0, advance: () => {}, hurry: () => {} },
    sender: { send: unasked },
    stages: new WriteStages(clock),
    held: () => false,
    leaving: () => {},
    ran: () => {},
    onConfiguration: unasked,
    onStatus: unasked,
    failed: (error) => void state.failures.push(error),
  });
  const run = async () => {
    driver.schedule();
    await clock.settle();
  };
  return { driver, state, run };
}

const load = { to: "b", from: 10, bytesMax: 100 };

Deno.test("Driver tells the core that entries are gone which a compaction takes while they are read", async () => {
  const { state, run } = subject([{ loads: [load] }, { loads: [load] }]);
  state.read = () => {
    state.compacted = 50;
    return Promise.reject(new Error("No such file"));
  };
  await run();
  assert.deepEqual(state.loaded, [["b", 0], ["b", 0]], "read in vain, and then not any more");
  assert.deepEqual(state.failures, []);
});

Deno.test("Driver ends the node when the log cannot be read, or the core contradicts itself", async () => {
  const broken = new Error("Input/output error");
  const { state, run } = subject([{ loads: [load] }]);
  state.read = () => Promise.reject(broken);
  await run();
  assert.deepEqual([state.loaded, state.failures], [[], [broken]]);
  const contradiction = new Error("A server has two leaders");
  const other = subject([contradiction]);
  await other.run();
  assert.deepEqual(other.state.failures, [contradiction]);
});

Deno.test("Driver does nothing more once it is stopped", async () => {
  const { driver, state, run } = subject([{ loads: [load] }]);
  driver.schedule();
  driver.stop();
  await run();
  assert.deepEqual(state.loaded, []);
});
