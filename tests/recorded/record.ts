import { commandLine, refuse } from "../../tools/command_line.ts";
import { eventually } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";
import { ask, type RecordedSeries, type RecordedStep, writeRecording } from "./recording.ts";
import { prelude, requestSeries } from "./request_series.ts";

const usage = `Usage: deno task record --rqlited PATH [--seeds N] [--first SEED] [--into FILE]

Starts rqlite by itself, sends it the requests of N seeds (150, from 1 on), and writes down what it
answers, for the test in tests/recorded to compare with.`;

const recording = new URL("rqlite_answers.gz", import.meta.url).pathname;

const options = {
  rqlited: { type: "string" },
  seeds: { type: "string", default: "150" },
  first: { type: "string", default: "1" },
  into: { type: "string", default: recording },
} as const;

async function main(): Promise<number> {
  const { values } = commandLine(usage, { options });
  const count = Number(values.seeds);
  if (values.rqlited === undefined) refuse(usage, "--rqlited says where rqlite's program is");
  if (!(count >= 1)) refuse(usage, "There is at least one seed");
  await using server = await start(values.rqlited);
  const series: RecordedSeries[] = [];
  for (let i = 0; i < count; i++) {
    series.push(await record(server.url, BigInt(values.first) + BigInt(i)));
  }
  await writeRecording(values.into, series);
  const steps = series.reduce((sum, { steps }) => sum + steps.length, 0);
  console.log(`${steps} answers of ${series.length} seeds are in ${values.into}`);
  return 0;
}

async function record(url: string, seed: bigint): Promise<RecordedSeries> {
  for (const request of prelude()) await ask(url, request);
  const steps: RecordedStep[] = [];
  for (const request of requestSeries(seed)) {
    steps.push({ request, answer: await ask(url, request) });
  }
  return { seed, steps };
}

async function start(program: string) {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-record-" });
  const address = `127.0.0.1:${takePort()}`;
  const process = new Deno.Command(program, {
    args: ["-http-addr", address, "-raft-addr", `127.0.0.1:${takePort()}`, directory],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://${address}`;
  await eventually("rqlite to be ready", async () => {
    const response = await fetch(`${url}/readyz`);
    await response.body?.cancel();
    return response.ok;
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.exit(await main());
