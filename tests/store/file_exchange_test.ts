import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { DiskError } from "../../src/io/types.ts";
import { exchangeDatabase } from "../../src/store/copy/file_exchange.ts";
import { versionsOffset } from "../../src/store/copy/file_header.ts";
import { runAndKill } from "../killed_program.ts";
import { SimulatedDisk } from "../simulation/disk.ts";
import { sqliteFile, TestStore, until } from "./fixture.ts";
import { loadedSql } from "./load_crash_child.ts";

const replacedName = /\.tmp-replaced-/;

function namesIn(directory: string, pattern: RegExp): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) =>
    pattern.test(name)
  );
}

/** A disk that removes what was the database only once it is told to. */
class PatientDisk extends DenoDisk {
  readonly #mayRemove = Promise.withResolvers<void>();

  override async remove(path: string): Promise<void> {
    if (replacedName.test(path)) await this.#mayRemove.promise;
    await super.remove(path);
  }

  goOn(): void {
    this.#mayRemove.resolve();
  }
}

/** A disk whose files have one name each. */
class PlainDisk extends DenoDisk {
  override link(from: string): Promise<void> {
    return Promise.reject(new DiskError("failed", from, "Operation not permitted"));
  }
}

Deno.test("Store.apply goes on behind a load before what was the database is removed", async () => {
  const disk = new PatientDisk();
  await using s = await TestStore.open({ disk });
  await s.execute(["CREATE TABLE kept (v)"]);
  await s.apply(...s.entries.load(await sqliteFile(loadedSql)));
  let answer: string | undefined;
  const applied = s.execute(["INSERT INTO loaded VALUES (2)"]).then((given) => answer = given);
  try {
    await until(() => answer !== undefined);
    assert.equal(answer, '{"last_insert_id":2,"rows_affected":1}');
    assert.equal(namesIn(s.directory, replacedName).length, 1);
  } finally {
    disk.goOn();
    await applied;
  }
  await until(() => namesIn(s.directory, replacedName).length === 0);
});

Deno.test("Store.apply exchanges files where each can have one name only", async () => {
  await using s = await TestStore.open({ disk: new PlainDisk() });
  for (const id of [1n, 2n]) {
    await s.apply(...s.entries.load(await sqliteFile(loadedSql), id));
    assert.match(await s.query("SELECT v FROM loaded"), /\[\["x"\]\]/);
  }
});

/** A disk that notes what the headers of files say of their journal when they are renamed. */
class WatchingDisk extends DenoDisk {
  readonly versions: number[][] = [];

  override async rename(from: string, to: string): Promise<void> {
    if (to.endsWith("/db.sqlite")) {
      const head = await Deno.readFile(from);
      this.versions.push([...head.subarray(versionsOffset, versionsOffset + 2)]);
    }
    await super.rename(from, to);
  }
}

Deno.test("a loaded file is in WAL mode before all writes wait for its exchange", async () => {
  const disk = new WatchingDisk();
  await using s = await TestStore.open({ disk });
  await s.apply(...s.entries.load(await sqliteFile(loadedSql)));
  assert.deepEqual(disk.versions, [[2, 2]]);
});

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("exchangeDatabase leaves the old or the new database, whole and by itself, wherever the power is cut", async () => {
  const exchange = (disk: SimulatedDisk) =>
    exchangeDatabase({ disk: disk.mount(), from: "/new", path: "/db", replaced: "/old" });
  const begin = (seed: bigint) => {
    const disk = new SimulatedDisk({ seed });
    disk.install(new Map([["/db", bytes("old")], ["/db-wal", bytes("")], ["/new", bytes("new")]]));
    return disk;
  };
  const whole = begin(0n);
  await exchange(whole);
  assert.deepEqual(whole.paths(), ["/db", "/old"]);
  assert.equal(text(whole.content("/db")), "new");
  assert.equal(text(whole.content("/old")), "old");
  whole.cutPower();
  assert.equal(text(whole.content("/db")), "new", "It is there for good");
  for (let seed = 1n; seed <= 20n; seed++) {
    for (let cutAt = 1; cutAt <= whole.calls; cutAt++) {
      const disk = begin(seed);
      const cut = Promise.withResolvers<void>();
      disk.fault = ({ number }) => {
        if (number !== cutAt) return undefined;
        disk.cutPower();
        cut.resolve();
        return undefined;
      };
      void exchange(disk);
      await cut.promise;
      const context = `seed ${seed}, call ${cutAt}`;
      const content = text(disk.content("/db"));
      assert(content === "old" || content === "new", context);
      if (content === "new") assert(!disk.paths().includes("/db-wal"), context);
    }
  }
});

const child = fileURLToPath(new URL("./load_crash_child.ts", import.meta.url));

/** A store that goes on where a process was killed, once it had said that it was at `moment`. */
async function killedAt(moment: "checked" | "exchanged", leftovers: RegExp) {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-killed-" });
  assert.equal(await runAndKill(child, [directory, moment], 1), `${moment}\n`);
  assert.equal(namesIn(directory, leftovers).length, 1, "It is killed in the middle of it");
  const s = await TestStore.open({ directory });
  assert.deepEqual(namesIn(directory, /\.tmp-/), []);
  s.entries.index = s.store.applied.index;
  return s;
}

Deno.test("a load ends after a kill between the check of its file and its last entry", async () => {
  await using s = await killedAt("checked", /\.tmp-load-1$/);
  assert.match(await s.query("SELECT count(*) FROM kept"), /\[\[0\]\]/);
  // The piece is the last entry that is applied.
  s.entries.index--;
  const [, end] = s.entries.load(await sqliteFile(loadedSql));
  assert(end);
  assert.deepEqual(await s.apply(end), [""]);
  assert.match(await s.query("SELECT v FROM loaded"), /\[\["x"\]\]/);
});

Deno.test("a loaded database is there after a kill before the one that it replaced was removed", async () => {
  await using s = await killedAt("exchanged", replacedName);
  assert.match(await s.query("SELECT v FROM loaded ORDER BY rowid"), /\[\["x"\],\["behind"\]\]/);
  await s.execute(["INSERT INTO loaded VALUES ('again')"]);
  assert.match(await s.query("PRAGMA integrity_check"), /"ok"/);
});
