import assert from "node:assert/strict";
import { takePort } from "../ports.ts";
import { replay } from "./replay.ts";
import { singleNodeTables, tables } from "./tables.ts";

const program = new URL("../../main.ts", import.meta.url).pathname;
const startDeadlineMs = 180_000;

/** One process of the real program. */
interface RunningNode extends AsyncDisposable {
  readonly url: string;
  readonly raftAddress: string;
}

/** Starts a node and waits until it says that it is ready; joins the node at `join` if given. */
async function start(id: string, join?: string): Promise<RunningNode> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-api-" });
  const httpAddress = `127.0.0.1:${takePort()}`;
  const raftAddress = `127.0.0.1:${takePort()}`;
  const flags = ["-node-id", id, "-http-addr", httpAddress, "-raft-addr", raftAddress];
  if (join !== undefined) flags.push("-join", join);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", program, ...flags, directory],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const node = {
    url: `http://${httpAddress}`,
    raftAddress,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
  const deadline = Date.now() + startDeadlineMs;
  while (!await isReady(node.url)) {
    if (Date.now() > deadline) {
      await node[Symbol.asyncDispose]();
      throw new Error(`Node ${id} is not ready after ${startDeadlineMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return node;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function assertAnswers(node: RunningNode, subjects: typeof tables | typeof singleNodeTables) {
  const failures: string[] = [];
  for (const steps of Object.values(subjects)) {
    failures.push(
      ...await replay(steps, (path, init) => fetch(node.url + path, init), "raftlite"),
    );
  }
  assert.deepEqual(failures, []);
}

Deno.test("A single node answers as the tables say", async () => {
  await using node = await start("1");
  await assertAnswers(node, tables);
  await assertAnswers(node, singleNodeTables);
});

Deno.test("Every node of a cluster of three answers as the tables say", async () => {
  await using first = await start("1");
  await using second = await start("2", first.raftAddress);
  await using third = await start("3", first.raftAddress);
  for (const node of [first, second, third]) await assertAnswers(node, tables);
});
