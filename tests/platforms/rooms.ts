import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { countTests } from "../../tools/test.ts";
import type { ForeignDeno } from "../cluster/harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Rooms whose tests meet the processor, the system's files and sockets, or SQLite. */
export const rooms: readonly string[] = [
  ...["base", "contract", "io", "transport", "raft", "raft_log", "sqlite"],
  ...["access", "audit", "tls", "changes", "store", "node", "http"],
];

/**
 * Whoever starts programs cannot do so under an emulator, which the kernel does not know of, and
 * Windows has no openssl, by which an authority makes certificates.
 */
const startsPrograms =
  /\bexecPath\(|\bDeno\.Command\b|_main\.ts"|\/(authority|node_network_cases)\.ts"/;

async function filesOf(room: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(`${root}tests/${room}`)) {
    const path = `tests/${room}/${name}`;
    if (!name.endsWith("_test.ts")) continue;
    if (!startsPrograms.test(await Deno.readTextFile(root + path))) files.push(path);
  }
  return files.sort();
}

/** Runs the tests of a room under a Deno for another system; fails with what failed there. */
export async function runRoom(room: string, foreign: ForeignDeno): Promise<void> {
  const [command, ...args] = foreign.command;
  const files = await filesOf(room);
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [
      ...args,
      ...["test", "-A", "--no-check", "--config", foreign.pathOf(`${root}deno.json`)],
      ...files.map((file) => foreign.pathOf(root + file)),
    ],
    cwd: root,
    env: { ...foreign.environment, RAFTLITE_FIRST_SEED: "1" },
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout);
  const { passed, failed } = countTests(output, code);
  console.log(`${room}: ${files.length} files, ${passed} passed, ${failed} failed there`);
  assert.equal(failed, 0, `${output}\n${new TextDecoder().decode(stderr)}`);
  assert.ok(passed > 0);
}
