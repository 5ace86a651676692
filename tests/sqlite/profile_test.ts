import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type SqliteProfile, takeProfile } from "../../src/sqlite/mod.ts";
import { Database } from "../../src/sqlite/mod.ts";
import { shareFunction } from "../../src/sqlite/callbacks.ts";
import { probeGroups, probeTables } from "../../src/sqlite/probes.ts";
import { library, openMemory } from "./fixture.ts";

const main = fileURLToPath(new URL("./profile_main.ts", import.meta.url));

/** The profile that another process takes; undefined when it finds no such library. */
async function profileOf(env: Record<string, string>): Promise<SqliteProfile | undefined> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", main],
    env,
    stderr: "null",
  }).output();
  return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
}

function partedGroups(a: SqliteProfile, b: SqliteProfile): string[] {
  return a.probes.filter(({ answers }, i) => answers !== b.probes[i]?.answers)
    .map(({ group }) => group);
}

Deno.test("takeProfile gives the same twice, and in another process", async () => {
  const first = await takeProfile(library);
  assert.deepEqual(await takeProfile(library), first);
  const there = await profileOf({ DENO_SQLITE_PATH: library.path });
  assert(there);
  assert.deepEqual(there.probes, first.probes);
  assert.equal(first.probes.length, probeGroups.length);
  assert.equal(first.version, library.version);
  assert(first.compileOptions.includes("DEFAULT_FILE_FORMAT=4"));
  assert(!first.compileOptions.some((option) => option.startsWith("COMPILER")));
});

Deno.test("takeProfile: what a group asks is answered, by a SQLite of today", () => {
  if (library.versionNumber < 3_053_000) return console.log(`Not this one: ${library.version}`);
  using db = openMemory();
  using own = new Database(":memory:", { library, libraryMathematics: true });
  for (const { name, type } of probeTables()) db.exec(`CREATE TABLE ${name}(x ${type})`);
  // Meant to fail, or in need of what this library is built without.
  const failing =
    /REGEXP|soundex|9223372036854775807 \+ 1|abs\(-9|sum\(9|median|geopoly|LIMIT 1$|\"no such/;
  for (const { name, statements, onLibrary } of probeGroups) {
    for (const sql of statements) {
      if (failing.test(sql)) continue;
      assert.doesNotThrow(() => (onLibrary ? own : db).exec(sql), `${name}: ${sql}`);
    }
  }
});

Deno.test("takeProfile: a function that answers otherwise changes its group, and no other", async () => {
  // As if the last bit of one result were another.
  const tanh = shareFunction(library.symbols, {
    name: "tanh",
    argumentCount: 1,
    deterministic: true,
    body: (context, _, argv) => {
      const argument = argv && new Deno.UnsafePointerView(argv).getPointer(0);
      const result = Math.tanh(library.symbols.sqlite3_value_double(argument)) + 2 ** -54;
      library.symbols.sqlite3_result_double(context, result);
    },
  });
  const mathematics = library.mathematics.map((own) => own.name === tanh.name ? tanh : own);
  const [real, other] = [
    await takeProfile(library),
    await takeProfile({ ...library, mathematics }),
  ];
  tanh.callback.close();
  assert.deepEqual(partedGroups(real, other), ["mathematical functions"]);
});

Deno.test("takeProfile: two versions of SQLite part in text to number, and not in mathematics", async () => {
  const system = await profileOf({ DENO_SQLITE_PATH: "libsqlite3.so.0" });
  const here = await takeProfile(library);
  if (system === undefined || system.version === here.version) {
    return console.log("Only one version of SQLite is here: nothing to compare it with");
  }
  const parted = partedGroups(here, system);
  assert(!parted.includes("mathematical functions"), String(parted));
  assert(!parted.includes("random numbers"), String(parted));
  if (here.version === "3.53.2" && system.version === "3.40.1") {
    assert(parted.includes("text to number"), String(parted));
  }
});

/** glibc has other code for a processor without FMA; its tunables hide what the processor has. */
const withoutFma = { GLIBC_TUNABLES: "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4" };

Deno.test("takeProfile: the pinned SQLite gives the same on another processor, with other C functions", async () => {
  if (library.origin !== "built") return console.log(`Not the pinned one: ${library.path}`);
  const there = await profileOf({ DENO_SQLITE_PATH: library.path, ...withoutFma });
  assert.deepEqual(there, await takeProfile(library));
});

Deno.test("takeProfile: the system's SQLite on another processor parts in its logarithm alone", async () => {
  const env = { DENO_SQLITE_PATH: "libsqlite3.so.0" };
  const [here, there] = [await profileOf(env), await profileOf({ ...env, ...withoutFma })];
  if (here === undefined || there === undefined) return console.log("The system has no SQLite");
  const parted = partedGroups(here, there);
  if (parted.length === 0) return console.log("Its C library has one way to take logarithms");
  assert.deepEqual(parted, ["the logarithm by which full-text search ranks"]);
});
