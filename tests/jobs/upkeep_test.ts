import { strict as assert } from "node:assert";
import { Upkeep, type UpkeepTimes } from "../../src/jobs/upkeep.ts";
import { dueAt, entriesOf, pagesPerEntry, type UpkeepEntry } from "../../src/jobs/upkeep_plan.ts";
import type { StoreStatus, UpkeepRecord } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const hour = 3_600_000;

/** A leader whose entries are applied at once, and who says so of the records. */
function subject(times: Partial<UpkeepTimes>) {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const state = {
    leads: true,
    maySubmit: true,
    /** Of the last command that changed something. */
    changedAt: 1,
    index: 1,
    freePages: 0,
    pages: 1_000,
    freeBytes: undefined as number | undefined,
    incrementalVacuum: false,
    error: undefined as string | undefined,
    records: { vacuum: undefined, optimize: undefined, scrub: undefined } as {
      vacuum: UpkeepRecord | undefined;
      optimize: UpkeepRecord | undefined;
      scrub: UpkeepRecord | undefined;
    },
    entries: [] as UpkeepEntry[],
  };
  const apply = (entry: UpkeepEntry) => {
    state.entries.push(entry);
    state.index++;
    if (state.error !== undefined) return `{"error":${JSON.stringify(state.error)}}`;
    const known = state.records[entry.task];
    if ((known?.index ?? 0) !== entry.after) return "";
    if (entry.step === "begin" || entry.last) {
      const now = clock.wallTime();
      const last = entry.last ? now : known?.last;
      state.records[entry.task] = { since: known?.since ?? now, last, index: state.index };
    }
    return "";
  };
  const upkeep = () =>
    new Upkeep({
      times: { vacuumMs: 0, optimizeMs: 0, vacuumMode: "full", ...times },
      clock,
      logger: { log: (level, _, message) => lines.push(`${level} ${message}`) },
      store: {
        status: () => {
          const { freePages, pages, incrementalVacuum, records } = state;
          const status = {
            freePages,
            pages,
            pageBytes: 4096,
            incrementalVacuum,
            upkeep: { ...records },
          };
          return Promise.resolve(status as Partial<StoreStatus> as StoreStatus);
        },
      },
      freeBytes: () => Promise.resolve(state.freeBytes),
      node: {
        get leads() {
          return state.leads;
        },
        get maySubmit() {
          return state.maySubmit;
        },
        changedSince: (index) => Promise.resolve(state.changedAt > index),
        submit: (entry) => Promise.resolve({ results: apply(entry) }),
      },
    });
  const steps = () => state.entries.splice(0).map(({ task, step }) => `${task} ${step}`);
  return { clock, state, upkeep, steps, lines };
}

Deno.test("Upkeep begins to count once there is something, and does each task at its own interval", async () => {
  const { clock, state, upkeep, steps } = subject({ vacuumMs: 10 * hour, optimizeMs: hour });
  state.changedAt = 0;
  upkeep().start();
  await clock.advance(20 * hour);
  assert.deepEqual(steps(), []);
  state.changedAt = 1;
  await clock.advance(60_000);
  assert.deepEqual(steps(), ["vacuum begin", "optimize begin"]);
  await clock.advance(10 * hour + 60_000);
  // Nothing has come behind the first run, which is enough for all.
  assert.deepEqual(steps(), ["optimize optimize", "vacuum vacuum"]);
  state.changedAt = state.index + 1;
  await clock.advance(hour);
  assert.deepEqual(steps(), ["optimize optimize"]);
});

Deno.test("Upkeep goes by what was noted, whoever leads and however often nodes are started", async () => {
  const { clock, state, upkeep, steps } = subject({ vacuumMs: 10 * hour });
  let one = upkeep();
  one.start();
  await clock.advance(60_000);
  assert.deepEqual(steps(), ["vacuum begin"]);
  for (let i = 0; i < 9; i++) {
    await clock.advance(hour);
    one.stop();
    one = upkeep();
    one.start();
  }
  assert.deepEqual(steps(), []);
  state.leads = false;
  await clock.advance(10 * hour);
  assert.deepEqual(steps(), []);
  state.leads = true;
  await clock.advance(60_000);
  assert.deepEqual(steps(), ["vacuum vacuum"]);
  one.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("Upkeep tries again what failed, ever later, and says so", async () => {
  const { clock, state, upkeep, steps, lines } = subject({ vacuumMs: hour });
  upkeep().start();
  await clock.advance(60_000);
  steps();
  state.error = "no such function: f";
  await clock.advance(2 * hour);
  const first = steps().length;
  assert.ok(first >= 5 && first <= 7, `${first} tries in the first hour`);
  assert.match(
    lines[1] ?? "",
    /WARN The VACUUM of -auto-vacuum-int failed \(2 in a row\): no such function: f/,
  );
  await clock.advance(10 * hour);
  const later = steps().length;
  assert.ok(later >= 9 && later <= 11, `${later} tries in 10 hours`);
});

Deno.test("Upkeep waits for a cluster whose nodes all know its entries", async () => {
  const { clock, state, upkeep, steps, lines } = subject({ optimizeMs: hour });
  state.maySubmit = false;
  upkeep().start();
  await clock.advance(5 * hour);
  assert.deepEqual(steps(), []);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /POST \/upgrade/);
  state.maySubmit = true;
  await clock.advance(60_000);
  assert.deepEqual(steps(), ["optimize begin"]);
});

Deno.test("Upkeep begins no VACUUM for which the disk has no room", async () => {
  const { clock, state, upkeep, steps, lines } = subject({ vacuumMs: hour });
  upkeep().start();
  await clock.advance(60_000);
  steps();
  state.freePages = 500;
  state.freeBytes = 2 * 500 * 4096 - 1;
  await clock.advance(2 * hour);
  assert.deepEqual(steps(), []);
  assert.match(lines[0] ?? "", /VACUUM of -auto-vacuum-int failed .* it needs 4.1 MB on the disk/);
  state.freeBytes++;
  await clock.advance(hour);
  assert.deepEqual(steps(), ["vacuum vacuum"]);
});

Deno.test("Upkeep that is off does nothing", async () => {
  const { clock, upkeep, steps } = subject({});
  upkeep().start();
  assert.equal(clock.pending, 0);
  await clock.advance(hour);
  assert.deepEqual(steps(), []);
});

Deno.test("dueAt counts from the last time, or else from the beginning, and takes no clock's word for years", () => {
  assert.equal(dueAt(undefined, 10, 1000), undefined);
  assert.equal(dueAt({ since: 100, last: undefined, index: 1 }, 10, 1000), 110);
  assert.equal(dueAt({ since: 100, last: 200, index: 1 }, 10, 1000), 210);
  assert.equal(dueAt({ since: 100, last: 1005, index: 1 }, 10, 1000), 1015);
  assert.equal(dueAt({ since: 100, last: 5000, index: 1 }, 10, 1000), 1000);
});

Deno.test("entriesOf an incremental vacuum are as many as the free pages ask for", () => {
  const record = { since: 0, last: undefined, index: 5 };
  const store = { freePages: 2.5 * pagesPerEntry, incrementalVacuum: true };
  const entries = entriesOf("vacuum", record, "incremental", store);
  assert.deepEqual(entries.map(({ last }) => last), [false, false, true]);
  assert.ok(entries.every(({ after }) => after === 5));
  const none = entriesOf("vacuum", record, "incremental", { ...store, freePages: 0 });
  assert.equal(none.length, 1);
  const first = entriesOf("vacuum", record, "incremental", { ...store, incrementalVacuum: false });
  assert.deepEqual(first.map(({ step }) => step), ["vacuum_to_incremental"]);
});
