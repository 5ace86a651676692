import { strict as assert } from "node:assert";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { RepairNote } from "../../src/member/repair_note.ts";
import { withDirectory } from "../directory.ts";

Deno.test("RepairNote is idle no sooner than what it was told to write is on the disk", () =>
  withDirectory(async (directory) => {
    const note = new RepairNote(new DenoDisk(), directory, { log: () => {} });
    const writing = note.write({ part: "database", reason: "malformed", moved: false });
    await note.idle();
    assert.deepEqual(await note.read(), { part: "database", reason: "malformed", moved: false });
    await writing;
  }));
