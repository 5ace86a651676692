/**
 * Compiles the program into one file, dist/raftlite, with the pinned SQLite inside; for another
 * system with `--target` and one of `deno compile`'s targets, into dist/raftlite-TARGET.
 */

import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../src/base/message_of.ts";
import { endingSignals } from "../src/cli/ending_signals.ts";
import { ownLicense } from "../src/cli/license_text.ts";
import { print, printError } from "../src/cli/output.ts";
import { embedLibrary } from "../src/sqlite/build.ts";
import { type Bundle, bundleProgram, InstallError } from "./bundle.ts";
import { commandLine } from "./command_line.ts";

const usage = "Usage: deno task compile [--target TARGET]";

const options = { target: { type: "string" } } as const;

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * V8 lets the new generation of a thread's heap grow to two halves of 32 MB under load: with half of
 * that a request takes no more of the processor, and a loaded node a fifth to a third less memory.
 * With a quarter more of what is under way outlives collections, and an insert takes a sixth more.
 */
const v8Flags = "--max-semi-space-size=16";

/** The console's page, which is read when somebody asks for it. */
const consoleFiles = `${root}src/http/console/page`;

/** Modules that no import names, as they run in Workers: the bundle must be told of them. */
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

async function main(): Promise<number> {
  const { values } = commandLine(usage, { options });
  const target = values.target ?? Deno.build.target;
  const output = `${root}dist/raftlite${values.target === undefined ? "" : `-${target}`}`;
  const library = await libraryFor(target);
  const license = fileURLToPath(ownLicense);
  const parts = {
    root,
    workers: await workerModules(),
    files: [...library, consoleFiles, license],
  };
  await mkdir(dirname(output), { recursive: true });
  const signal = interruption();
  const work = await mkdtemp(`${tmpdir()}/raftlite-compile-`);
  try {
    const [folder, packages] = [`${work}/raftlite`, `${work}/packages`];
    await Promise.all([mkdir(folder), mkdir(packages)]);
    const bundle = await bundleProgram(parts, { folder, packages, signal });
    const code = await compile(bundle, { folder, output, target: values.target, signal });
    if (code === 0) print(`${output}\n`);
    return code;
  } catch (error) {
    if (!signal.aborted && !(error instanceof InstallError)) throw error;
    printError(`fatal: ${signal.aborted ? "Interrupted" : messageOf(error)}\n`);
    return 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Aborted when somebody ends the program: 100 MB of packages are not to be left behind. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of endingSignals) Deno.addSignalListener(signal, () => interrupted.abort());
  return interrupted.signal;
}

async function compile(
  { main, config, included }: Bundle,
  { folder, output, target, signal }: {
    folder: string;
    output: string;
    target: string | undefined;
    signal: AbortSignal;
  },
): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "-A",
      "--no-check",
      `--v8-flags=${v8Flags}`,
      ...["--config", config],
      ...(target === undefined ? [] : ["--target", target]),
      ...included.flatMap((path) => ["--include", path]),
      "--output",
      output,
      main,
    ],
    cwd: folder,
    signal,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return code;
}

if (import.meta.main) Deno.exit(await main());
