/**
 * Builds the pinned SQLite library, from the amalgamation inside an npm package, as SQLite's own
 * site is not reachable everywhere that npm is. Building for another machine needs a cross
 * compiler, which CC may name.
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDirectory, makeFile, makePrivateDirectory } from "./cache.ts";
import { buildSource } from "./build_source.ts";
import { isFile, packageFile } from "./npm_package.ts";
import { runProgram } from "./program.ts";

/** A new version goes in here, with the sum of its sqlite3.c: nothing else is compiled. */
const pinned = {
  packageName: "better-sqlite3",
  packageVersion: "12.11.1",
  version: "3.53.2",
  sha256: "60d2f39a3726cd6b9021da6f4e868608d66fbb6528a9f513dc8ffcc640493422",
} as const;

const defines = [
  "SQLITE_THREADSAFE=1",
  "SQLITE_ENABLE_COLUMN_METADATA",
  "SQLITE_ENABLE_DBSTAT_VTAB",
  "SQLITE_ENABLE_FTS3",
  "SQLITE_ENABLE_FTS3_PARENTHESIS",
  "SQLITE_ENABLE_FTS5",
  "SQLITE_ENABLE_GEOPOLY",
  "SQLITE_ENABLE_MATH_FUNCTIONS",
  "SQLITE_ENABLE_PREUPDATE_HOOK",
  "SQLITE_ENABLE_RTREE",
] as const;

/** Arithmetic as it is written, on every processor. */
const arithmetic = "-ffp-contract=off";

const fetchTimeoutMs = 120_000;
const compileTimeoutMs = 600_000;

interface Target {
  readonly fileName: string;
  /** Tried unless CC is set. */
  readonly compiler: string;
  readonly flags: readonly string[];
  /** What the operating system's own library needs linked in. */
  readonly libraries: readonly string[];
}

const unixLibraries = ["-lpthread", "-ldl", "-lm"];
const apiExport = "-DSQLITE_API=__declspec(dllexport)";

/** By `deno compile`'s names. */
const targets: Readonly<Record<string, Target>> = {
  "x86_64-unknown-linux-gnu": {
    fileName: "libsqlite3.so",
    compiler: "x86_64-linux-gnu-gcc",
    flags: ["-shared", "-fPIC"],
    libraries: unixLibraries,
  },
  "aarch64-unknown-linux-gnu": {
    fileName: "libsqlite3.so",
    compiler: "aarch64-linux-gnu-gcc",
    flags: ["-shared", "-fPIC"],
    libraries: unixLibraries,
  },
  "x86_64-apple-darwin": {
    fileName: "libsqlite3.dylib",
    compiler: "cc",
    flags: ["-dynamiclib", "-fPIC", "-arch", "x86_64"],
    libraries: [],
  },
  "aarch64-apple-darwin": {
    fileName: "libsqlite3.dylib",
    compiler: "cc",
    flags: ["-dynamiclib", "-fPIC", "-arch", "arm64"],
    libraries: [],
  },
  "x86_64-pc-windows-msvc": {
    fileName: "sqlite3.dll",
    compiler: "x86_64-w64-mingw32-gcc",
    flags: ["-shared", apiExport],
    libraries: [],
  },
};

export interface BuildOptions {
  /** One of `deno compile`'s targets; default this machine. */
  readonly target?: string;
  readonly log?: (message: string) => void;
}

/** File name of the embedded copy for a target; one directory can hold several. */
export function embeddedFileName(target: string = Deno.build.target): string {
  return `${target}-${targetOf(target).fileName}`;
}

/** Where the pinned library is once it is built; undefined without a cache directory or for an unknown target. */
export async function builtLibraryPath(
  target: string = Deno.build.target,
): Promise<string | undefined> {
  const directory = cacheDirectory();
  if (directory === undefined || targets[target] === undefined) return undefined;
  const { flags } = targetOf(target);
  const recipe = JSON.stringify([pinned.sha256, defines, arithmetic, buildSource, flags]);
  const key = await sha256(new Uint8Array(new TextEncoder().encode(recipe)));
  return `${directory}/sqlite-${pinned.version}-${key.slice(0, 12)}-${embeddedFileName(target)}`;
}

/** Builds the pinned library, unless that is done already, and returns its path. Throws saying what is missing. */
export async function buildLibrary(options: BuildOptions = {}): Promise<string> {
  const { target = Deno.build.target, log = () => {} } = options;
  const { flags, libraries } = targetOf(target);
  const path = await builtLibraryPath(target);
  if (path === undefined) {
    throw new Error("No directory to build SQLite in: set HOME or XDG_CACHE_HOME");
  }
  if (await isFile(path)) return path;
  const compiler = compilerFor(target);
  await runProgram(compiler, ["--version"], fetchTimeoutMs);
  log(`Fetching SQLite ${pinned.version} (npm package ${pinned.packageName})`);
  const source = await fetchAmalgamation();
  log(`Compiling SQLite ${pinned.version} with ${compiler}: about half a minute, once`);
  await makePrivateDirectory(dirname(path));
  await makeFile(path, async (temporaryPath) => {
    const macros = defines.map((name) => `-D${name}`);
    const whole = `${temporaryPath}.c`;
    await Deno.writeTextFile(whole, buildSource);
    try {
      const where = ["-I", dirname(source), "-o", temporaryPath, whole];
      const args = ["-O2", arithmetic, ...flags, ...macros, ...where, ...libraries];
      await runProgram(compiler, args, compileTimeoutMs);
    } finally {
      await Deno.remove(whole);
    }
  });
  return path;
}

/**
 * Builds the library for a target and puts it where the compiled program looks for it; returns the
 * path, for `deno compile --include`.
 */
export async function embedLibrary(options: BuildOptions = {}): Promise<string> {
  const built = await buildLibrary(options);
  const path = fileURLToPath(
    new URL(`./embedded/${embeddedFileName(options.target)}`, import.meta.url),
  );
  await makeFile(path, (temporaryPath) => Deno.copyFile(built, temporaryPath));
  return path;
}

/** The path of sqlite3.c, in Deno's cache of npm packages; its contents are what is pinned. */
async function fetchAmalgamation(): Promise<string> {
  if (Deno.build.standalone) {
    throw new Error("A compiled program can't fetch SQLite's source: compile it with the library");
  }
  const path = await packageFile(
    pinned.packageName,
    pinned.packageVersion,
    "deps/sqlite3/sqlite3.c",
  );
  const sum = await sha256(await Deno.readFile(path));
  if (sum === pinned.sha256) return path;
  throw new Error(`SQLite source ${path} is not the pinned one: its SHA-256 is ${sum}`);
}

function targetOf(target: string): Target {
  const known = targets[target];
  if (known === undefined) {
    throw new RangeError(`No way known to build for ${target}: ${Object.keys(targets).join(", ")}`);
  }
  return known;
}

function compilerFor(target: string): string {
  const named = Deno.env.get("CC");
  if (named) return named;
  return target === Deno.build.target ? "cc" : targetOf(target).compiler;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
