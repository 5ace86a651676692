// deno-lint-ignore-file no-console -- it prints what it measures
// Appends a second on a real disk: deno run -A tests/bench/raft_log_bench.ts [seconds] [directory]
import { setImmediate } from "node:timers";
import { checksum } from "../../src/base/checksum.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { EntryType } from "../../src/raft/types.ts";
import { openRaftLog } from "../../src/raft_log/raft_log.ts";

const seconds = Number(Deno.args[0] ?? 2);
const root = await Deno.makeTempDir({ dir: Deno.args[1] ?? "." });
const data = new Uint8Array(200).fill(65);
const entryChecksum = checksum(data);
const clock = new DenoClock();
const logger = { log: () => {} };

/** Processor time of the main thread, on Linux. */
function mainThreadMs(): number {
  if (Deno.build.os !== "linux") return NaN;
  const [nanoseconds] = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ");
  return Number(nanoseconds) / 1e6;
}

async function run(appenders: number, pause: boolean): Promise<void> {
  const directory = `${root}/${appenders}-${pause}`;
  const { log } = await openRaftLog({ disk: new DenoDisk(), directory, clock, logger });
  const waits: number[] = [];
  let index = 0;
  const start = performance.now();
  const cpu = mainThreadMs();
  const end = start + seconds * 1000;
  const appender = async () => {
    while (performance.now() < end) {
      if (pause) await new Promise((resolve) => void setImmediate(resolve));
      const before = performance.now();
      const entry = { term: 1, index: ++index, type: EntryType.command, data };
      await log.append({ hardState: undefined, entries: [{ ...entry, checksum: entryChecksum }] });
      waits.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: appenders }, appender));
  const elapsed = performance.now() - start;
  const used = mainThreadMs() - cpu;
  waits.sort((a, b) => a - b);
  const quantile = (q: number) => (waits[Math.floor(waits.length * q)] ?? 0).toFixed(2);
  console.log(
    `${appenders} appenders${pause ? " with a pause" : ""}: ${
      (index / elapsed * 1000).toFixed(0)
    } appends/s, ` +
      `p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, max ${quantile(0.99999)} ms, ` +
      `main thread ${(used / index * 1000).toFixed(1)} µs an append`,
  );
  await log.close();
  const opening = performance.now();
  const again = await openRaftLog({ disk: new DenoDisk(), directory, clock, logger });
  console.log(
    `  ${(again.log.sizeBytes / 2 ** 20).toFixed(0)} MiB reopened in ` +
      `${(performance.now() - opening).toFixed(0)} ms`,
  );
  await again.log.close();
}

try {
  for (const pause of [false, true]) {
    for (const appenders of [1, 16, 64]) await run(appenders, pause);
  }
} finally {
  await Deno.remove(root, { recursive: true });
}
