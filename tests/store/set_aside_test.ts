import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { setDatabaseAside } from "../../src/store/copy/set_aside.ts";

const disk = new DenoDisk();

async function directoryOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-aside-" });
  await Deno.mkdir(`${directory}/damaged`);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  return directory;
}

Deno.test("what is set aside takes the place of what was, and of its WAL nothing is lost by a crash between", async () => {
  const directory = await directoryOf({
    "db.sqlite": "new",
    "changes.sqlite": "its changes",
    "damaged/db.sqlite": "old",
    "damaged/db.sqlite-wal": "of the old one",
  });
  const target = await setDatabaseAside(
    disk,
    `${directory}/db.sqlite`,
    `${directory}/changes.sqlite`,
  );
  assert.equal(await Deno.readTextFile(target), "new");
  assert.deepEqual(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["damaged"]);
  assert.equal(await disk.exists(`${target}-wal`), false);

  const cut = await directoryOf({ "db.sqlite": "file", "damaged/db.sqlite-wal": "WAL" });
  const again = await setDatabaseAside(disk, `${cut}/db.sqlite`);
  assert.equal(await Deno.readTextFile(again), "file");
  assert.equal(await Deno.readTextFile(`${again}-wal`), "WAL");
});
