import { Prng } from "../../src/base/prng.ts";
import { DiskError } from "../../src/io/types.ts";
import { LogFailedError, type RaftLog } from "../../src/raft_log/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import {
  makeEntry,
  makePoint,
  openLog,
  readImage,
  RecordingLogger,
  smallSizes,
} from "./fixtures.ts";
import { LogModel, type Operation } from "./log_model.ts";

/** More with `RAFT_LOG_SEEDS=20000 deno test …`, one again with `RAFT_LOG_SEED=…`. */
const seeds = Number(Deno.env.get("RAFT_LOG_SEEDS") ?? 300);
const onlySeed = Deno.env.get("RAFT_LOG_SEED");

/** Lets promises go on a random number of times: crashes then come between any two calls. */
async function goOn(random: Prng, turnsMax: number): Promise<void> {
  for (let turns = random.below(turnsMax); turns > 0; turns--) await Promise.resolve();
}

/** An operation that suits what the log will hold. */
function draw(random: Prng, model: LogModel): Operation {
  const { compaction, entries, lastIndex, hardState } = model.intended;
  const kind = random.below(20);
  if (kind === 0) {
    const term = hardState.term + 1;
    return { type: "reset", point: makePoint(lastIndex + 1 + random.below(5), term) };
  }
  const durable = entries.filter((entry) => model.acknowledged.entries.includes(entry));
  if (kind <= 2 && durable.length > 0) {
    const entry = durable[random.below(durable.length)];
    if (entry !== undefined) return { type: "compact", point: makePoint(entry.index, entry.term) };
  }
  if (kind === 3) {
    const votedFor = "abc"[random.below(3)] ?? "";
    const promiseMs = random.below(3) * 500;
    const write = { hardState: { term: hardState.term + 1, votedFor, promiseMs }, entries: [] };
    return { type: "append", write };
  }
  const cut = kind <= 6 ? random.below(entries.length + 1) : entries.length;
  const first = compaction.index + cut + 1;
  const termBefore = entries[cut - 1]?.term ?? compaction.term;
  const term = Math.max(termBefore, entries.at(-1)?.term ?? 0) + (cut < entries.length ? 1 : 0);
  const made = Array.from({ length: 1 + random.below(4) }, (_, i) => {
    // Now and then one that the log does not copy.
    const times = random.chance(0.01) ? 40_000 : 1 + random.below(random.chance(0.1) ? 200 : 10);
    const text = `${random.uint32()} `.repeat(times);
    return makeEntry(Math.max(1, term), first + i, text);
  });
  const newState = random.chance(0.1)
    ? { term: term + 1, votedFor: "d", promiseMs: 450 }
    : undefined;
  return { type: "append", write: { hardState: newState, entries: made } };
}

/** Calls the log and tells the model how it went; true unless the log has failed. */
async function carryOut(log: RaftLog, model: LogModel, operation: Operation): Promise<void> {
  model.begin(operation);
  try {
    if (operation.type === "append") await log.append(operation.write);
    else if (operation.type === "compact") await log.compact(operation.point);
    else await log.reset(operation.point);
    model.acknowledge(operation);
  } catch (error) {
    if (error instanceof DiskError && error.kind === "full") model.refuse(operation);
    else if (!(error instanceof LogFailedError)) throw error;
  }
}

/** Lets promises go on until the work has ended, or has to wait for room on the disk. */
async function ended(log: RaftLog, work: Promise<unknown>): Promise<void> {
  let done = false;
  work.then(() => done = true);
  while (!done && !log.full) await Promise.resolve();
}

/** One life of the log, from its opening to a crash. */
async function live(disk: SimulatedDisk, random: Prng, model: LogModel): Promise<void> {
  const clock = new SimulatedClock();
  const options = { ...smallSizes, recentBytesMax: 100 };
  const { log } = await openLog(disk, options, new RecordingLogger(), clock);
  const failing = random.chance(0.2);
  if (failing) {
    const at = disk.calls + 1 + random.below(30);
    disk.fault = ({ number }) => number === at ? "failed" : undefined;
  } else if (random.chance(0.1)) {
    disk.capacityBytes = disk.usedBytes + random.below(4000);
  }
  const broken: unknown[] = [];
  for (let count = random.below(25); count > 0; count--) {
    const work = carryOut(log, model, draw(random, model)).catch((error) => broken.push(error));
    if (random.chance(0.4)) await ended(log, work);
    else await goOn(random, 20);
    // Now and then long enough for a mark.
    if (random.chance(0.3)) clock.jump(random.below(60));
    if (log.full && random.chance(0.2)) {
      if (random.chance(0.5)) disk.capacityBytes += random.below(4000);
      clock.jump(500);
    }
  }
  if (random.chance(0.1)) await log.close();
  else await goOn(random, 40);
  if (broken.length > 0) throw broken[0];
  disk.fault = () => undefined;
  disk.capacityBytes = Infinity;
  if (random.chance(0.3)) disk.killProcess();
  else disk.cutPower();
}

/** Crashes while the log is being opened. */
async function crashInOpen(disk: SimulatedDisk, random: Prng): Promise<void> {
  openLog(disk).catch(() => {});
  await goOn(random, 120);
  if (random.chance(0.3)) disk.killProcess();
  else disk.cutPower();
}

async function runSeed(seed: bigint): Promise<void> {
  const random = new Prng(seed);
  const disk = new SimulatedDisk({ seed: random.uint64() });
  const model = new LogModel();
  for (let life = 0; life < 8; life++) {
    await live(disk, random, model);
    while (random.chance(0.3)) await crashInOpen(disk, random);
    model.recover(await readImage(disk));
  }
}

Deno.test("RaftLog holds what it acknowledged, and nothing made up, after any crash", async () => {
  const first = onlySeed === undefined ? 0 : Number(onlySeed);
  for (let seed = first; seed < (onlySeed === undefined ? seeds : first + 1); seed++) {
    try {
      await runSeed(BigInt(seed));
    } catch (error) {
      throw new Error(`Failed with RAFT_LOG_SEED=${seed}`, { cause: error });
    }
  }
});
