import assert from "node:assert/strict";
import { removeChanges } from "../../src/changes/remove_changes.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { withDirectory } from "../directory.ts";

Deno.test("of a change log that is removed nothing stays that SQLite would play into the next", () =>
  withDirectory(async (directory) => {
    const names = ["changes.sqlite", "changes.sqlite-wal", "changes.sqlite-shm"];
    for (const name of [...names, "changes.sqlite-journal", "db.sqlite"]) {
      await Deno.writeTextFile(`${directory}/${name}`, "of the old one");
    }
    await removeChanges(new DenoDisk(), `${directory}/changes.sqlite`);
    await removeChanges(new DenoDisk(), `${directory}/changes.sqlite`);
    assert.deepEqual(Array.from(Deno.readDirSync(directory), ({ name }) => name), ["db.sqlite"]);
  }));
