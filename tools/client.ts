/**
 * Builds the package of client/ as npm packs it, in dist/client: `deno task client` prints where the
 * tarball is.
 */
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../src/base/message_of.ts";
import { print, printError } from "../src/cli/output.ts";
import { commandLine } from "./command_line.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Of TypeScript's own compiler, for declarations: Deno makes none that Node's tools read. */
const compiler = "npm:typescript@5.9.3/tsc";
const commandTimeoutMs = 180_000;

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(commandTimeoutMs),
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const output = `${decoder.decode(stdout)}${decoder.decode(stderr)}`.trim();
  throw new Error(`${command} ${args.join(" ")} failed:\n${output}`);
}

/** Packs the client into `directory`, which is made anew; resolves with the path of the tarball. */
export async function packClient(directory: string): Promise<string> {
  await Deno.remove(directory, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(directory, { recursive: true });
  const tsc = ["run", "-A", "--no-config", "--no-lock", "--quiet", compiler];
  await run(Deno.execPath(), [...tsc, "-p", "client", "--outDir", `${directory}/dist`], root);
  for (const file of ["client/package.json", "client/README.md", "LICENSE"]) {
    await Deno.copyFile(`${root}${file}`, `${directory}/${basename(file)}`);
  }
  const packed = JSON.parse(await run("npm", ["pack", "--json", "--silent"], directory));
  return `${directory}/${packed[0].filename}`;
}

const usage = `Usage: deno task client

Packs @raftlite/client as npm packs it, into dist/client.`;

if (import.meta.main) {
  commandLine(usage, {});
  try {
    print(`${await packClient(`${root}dist/client`)}\n`);
  } catch (error) {
    printError(`${messageOf(error)}\n`);
    Deno.exitCode = 1;
  }
}
