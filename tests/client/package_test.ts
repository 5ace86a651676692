import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { packClient } from "../../tools/client.ts";
import { background } from "../background.ts";
import { Cluster, eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";
import { fetching } from "../fetching.ts";

const program = fileURLToPath(new URL("program.mjs", import.meta.url));
/** Of a command that fetches packages. */
const fetchTimeoutMs = 300_000;
/** Of all that a program does, in ms. */
const programTimeoutMs = 900_000;

async function succeeds(command: string, args: readonly string[], cwd?: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args: [...args],
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(fetchTimeoutMs),
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof DOMException) return false;
    throw error;
  }
}

/** What the program was told of its writes, by their names. */
interface Told {
  readonly written: readonly string[];
  readonly unknown: readonly string[];
  readonly moved: readonly string[];
  readonly unknownMoves: readonly string[];
}

function assertOnce(told: readonly string[], unknown: readonly string[], rows: unknown[][]): void {
  const names = rows.flat() as string[];
  assert.equal(new Set(names).size, names.length, "nothing is written twice");
  const there = new Set(names);
  assert.deepEqual(told.filter((name) => !there.has(name)), [], "nothing acknowledged is lost");
  const known = new Set([...told, ...unknown]);
  assert.deepEqual(names.filter((name) => !known.has(name)), [], "nothing failed was written");
}

interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
}

/** The program, in a folder where the packed client is installed, and Bun if it can be had. */
async function install(directory: string): Promise<readonly Runtime[]> {
  const tarball = await packClient(`${directory}/package`);
  await Deno.writeTextFile(`${directory}/package.json`, '{"type": "module"}');
  const npm = ["install", "--silent", "--no-audit", "--no-fund"];
  const isThere = await fetching(
    () => succeeds("npm", [...npm, tarball], directory),
    (isThere) => isThere,
  );
  assert(isThere, "The tarball is not installed");
  await succeeds("npm", [...npm, "bun@1.4.5"], directory);
  await Deno.copyFile(program, `${directory}/program.mjs`);
  const deno = [Deno.execPath(), "run", "-A", "--quiet", "--node-modules-dir=manual"];
  return [
    { name: "Node", command: ["node"] },
    { name: "Deno", command: deno },
    { name: "Bun", command: [`${directory}/node_modules/.bin/bun`, "run"] },
  ];
}

/** Runs the program against a cluster of which the leader is killed in its middle. */
async function survive({ command: [command = "", ...args] }: Runtime, cwd: string): Promise<void> {
  await using cluster = await Cluster.start({ flags: ["-changes-size", "16MiB"] });
  await using child = new Deno.Command(command, {
    args: [...args, "program.mjs", ...cluster.nodes.map(({ url }) => url)],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(programTimeoutMs),
  }).spawn();
  let output = "";
  const reading = background(async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) output += text;
  });
  const count = async () => {
    const [[rows] = []] = await (await cluster.leader()).query("SELECT count(*) FROM log");
    return Number(rows);
  };
  await Promise.race([
    reading.then(() => assert.match(output, /^under way/)),
    eventually("the program to write", () => output.startsWith("under way")),
  ]);
  const leader = await cluster.leader();
  await eventually("some writes", async () => await count() > 50);
  await leader.kill("SIGKILL");
  const before = await count();
  await eventually("writes without it", async () => await count() > before + 50);
  leader.start();
  await leader.ready();
  await child.stdin.close();
  await reading;
  assert.equal((await child.status).code, 0);
  const told = JSON.parse(output.split("\n")[1] ?? "") as Told;
  assertOnce(told.written, told.unknown, await leader.query("SELECT name FROM log"));
  const moves = await leader.query("SELECT name FROM moves");
  assertOnce(told.moved, told.unknownMoves, moves);
  const money = await leader.query("SELECT money FROM account ORDER BY id");
  assert.deepEqual(money, [[-moves.length], [moves.length]]);
  // Without a time that is over, everything comes to be known.
  assert.deepEqual([told.unknown, told.unknownMoves], [[], []]);
}

const hasNpm = await succeeds("npm", ["--version"]);

Deno.test({
  name: `The packed client loses no write and does none twice when the leader is killed${
    hasNpm ? "" : " (left out: npm is not there)"
  }`,
  ignore: !hasNpm,
  fn: async (t) => {
    await withDirectory(async (directory) => {
      for (const runtime of await install(directory)) {
        const { name, command: [command = ""] } = runtime;
        const isThere = await succeeds(command, ["--version"]);
        await t.step({
          name: isThere ? `in ${name}` : `in ${name} (left out: it is not there)`,
          ignore: !isThere,
          fn: () => survive(runtime, directory),
        });
      }
    });
  },
});
