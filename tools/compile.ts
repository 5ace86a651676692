/**
 * Compiles the program into one file, dist/raftlite, with the pinned SQLite inside; for another
 * system with `--target` and one of `deno compile`'s targets, into dist/raftlite-TARGET.
 */

import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../src/base/message_of.ts";
import { print, printError } from "../src/cli/output.ts";
import { embedLibrary } from "../src/sqlite/build.ts";

/** Of Deno's threads: `deno compile` of 2.4 overflows what they have over the packages' CommonJS (seen). */
const stackBytes = 64 * 1024 * 1024;

const usage = "Usage: deno task compile [--target TARGET]\n";

const options = { target: { type: "string" }, help: { type: "boolean" } } as const;

const root = fileURLToPath(new URL("..", import.meta.url));

/** The console's page, which is read when somebody asks for it. */
const consoleFiles = `${root}src/http/console/page`;

/** Modules that no import names, as they run in Workers: `deno compile` must be told of them. */
export async function workerModules(): Promise<string[]> {
  const files = await readdir(`${root}src`, { recursive: true });
  return files.filter((path) => /worker\.ts$/.test(path)).map((path) => `${root}src/${path}`);
}

/** Puts the pinned SQLite where the program looks for it; says so when that can't be done. */
async function libraryFor(target: string): Promise<string[]> {
  try {
    return [await embedLibrary({ target, log: (message) => print(`${message}\n`) })];
  } catch (error) {
    const reason = messageOf(error);
    printError(`SQLite can't be built for ${target}: ${reason}\n`);
    printError("The program will use the SQLite library of the system that it runs on\n");
    return [];
  }
}

async function main(args: readonly string[]): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    printError(`fatal: ${error.message}\n${usage}`);
    return 2;
  }
  if (values.help) {
    print(usage);
    return 0;
  }
  const target = values.target ?? Deno.build.target;
  const output = `${root}dist/raftlite${values.target === undefined ? "" : `-${target}`}`;
  const included = [...await libraryFor(target), ...await workerModules(), consoleFiles];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "-A",
      "--no-check",
      ...(values.target === undefined ? [] : ["--target", target]),
      ...included.flatMap((path) => ["--include", path]),
      "--output",
      output,
      `${root}main.ts`,
    ],
    cwd: root,
    env: { RUST_MIN_STACK: String(stackBytes) },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (code === 0) print(`${output}\n`);
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
