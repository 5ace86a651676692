import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { setDatabaseAside } from "../../src/store/copy/set_aside.ts";
import { withDirectory } from "../directory.ts";

const disk = new DenoDisk();

async function fill(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  await Deno.mkdir(`${directory}/damaged`);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
}

Deno.test("what is set aside takes the place of what was, and of its WAL nothing is lost by a crash between", async () => {
  await withDirectory(async (directory) => {
    await fill(directory, {
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
  });
  await withDirectory(async (cut) => {
    await fill(cut, { "db.sqlite": "file", "damaged/db.sqlite-wal": "WAL" });
    const again = await setDatabaseAside(disk, `${cut}/db.sqlite`);
    assert.equal(await Deno.readTextFile(again), "file");
    assert.equal(await Deno.readTextFile(`${again}-wal`), "WAL");
  });
});

Deno.test("what was set aside stays where there is nothing to take its place, as when that is done again", async () => {
  await withDirectory(async (directory) => {
    await fill(directory, { "damaged/db.sqlite": "old", "damaged/db.sqlite-wal": "its WAL" });
    const target = await setDatabaseAside(disk, `${directory}/db.sqlite`);
    assert.equal(await Deno.readTextFile(target), "old");
    assert.equal(await Deno.readTextFile(`${target}-wal`), "its WAL");
  });
});
