import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { builtLibraryPath } from "../../src/sqlite/build.ts";
import { makeFile } from "../../src/sqlite/cache.ts";
import { openLibrary } from "../../src/sqlite/mod.ts";
import { library, withDirectory } from "./fixture.ts";

const main = fileURLToPath(new URL("./find_library_main.ts", import.meta.url));

/** Finds the library in a process of its own, with these variables; returns what it prints. */
async function find(env: Record<string, string>): Promise<{ origin?: string; log: string[] }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", main],
    env: { NO_COLOR: "1", DENO_SQLITE_PATH: "", ...env },
  }).output();
  const decoder = new TextDecoder();
  return JSON.parse(decoder.decode(stdout) || JSON.stringify({ log: [decoder.decode(stderr)] }));
}

Deno.test("findLibrary takes the file that DENO_SQLITE_PATH names, and no other", async () => {
  const found = await find({ DENO_SQLITE_PATH: library.path });
  assert.equal(found.origin, "environment");
  const failed = await find({ DENO_SQLITE_PATH: "/nowhere/libsqlite3.so" });
  assert.equal(failed.origin, undefined);
  assert.match(failed.log.join(), /SQLite library \/nowhere\/libsqlite3\.so can't be opened/);
});

Deno.test("findLibrary falls back to the system's without a compiler, and says so", () =>
  withDirectory(async (directory) => {
    const { origin, log } = await find({
      HOME: directory,
      XDG_CACHE_HOME: directory,
      CC: "no-such-compiler",
    });
    assert.match(log.join(), /Program no-such-compiler can't be run: is it installed/);
    if (origin === undefined) assert.match(log.join(), /No SQLite library can be used: install/);
    else assert.equal(origin, "system");
  }));

Deno.test("findLibrary passes over a built copy that is damaged", () =>
  withDirectory(async (directory) => {
    const path = await builtLibraryPath();
    if (path === undefined) return;
    await Deno.mkdir(`${directory}/raftlite`);
    const name = path.slice(path.lastIndexOf("/"));
    await Deno.writeTextFile(`${directory}/raftlite${name}`, "damaged");
    const { origin, log } = await find({ XDG_CACHE_HOME: directory, HOME: directory });
    assert.notEqual(origin, "built");
    assert.match(log.join(), /can't be opened/);
  }));

Deno.test("openLibrary refuses what is not SQLite, and names it", () => {
  assert.throws(
    () => openLibrary({ path: main, origin: "system" }),
    /SQLite library .*find_library_main\.ts can't be opened/,
  );
});

Deno.test("makeFile leaves the old file and nothing else when it fails", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/file`;
    await makeFile(path, (temporary) => Deno.writeTextFile(temporary, "old"));
    await assert.rejects(
      makeFile(path, async (temporary) => {
        await Deno.writeTextFile(temporary, "half");
        throw new Error("disk full");
      }),
      /disk full/,
    );
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["file"]);
  }));

Deno.test("the pinned library has all that it is built for", () => {
  if (library.origin !== "built") return;
  assert.equal(library.version, "3.53.2");
  const used = (option: string) =>
    library.symbols.sqlite3_compileoption_used(
      new TextEncoder().encode(option + "\0") as Uint8Array<ArrayBuffer>,
    );
  for (const option of ["ENABLE_FTS5", "ENABLE_RTREE", "ENABLE_MATH_FUNCTIONS"]) {
    assert.equal(used(option), 1, option);
  }
  for (const option of ["ENABLE_COLUMN_METADATA", "ENABLE_DBSTAT_VTAB", "THREADSAFE=1"]) {
    assert.equal(used(option), 1, option);
  }
});
