import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";
import { onFullDisk } from "./full_disk.ts";

const child = fileURLToPath(new URL("./full_changes_child.ts", import.meta.url));

interface Said {
  readonly told: readonly number[];
  readonly rows: string;
  readonly waits: number;
}

testWith(
  "cc",
  "changes are told once though the disk becomes full at any write of an entry",
  () =>
    withDirectory(async (directory) => {
      const said = await onFullDisk(directory, child);
      if (said === undefined) return;
      const { told, rows, waits } = said as Said;
      assert.match(rows, /\[\[12\]\]/);
      // The first entry made the table.
      assert.deepEqual(told, Array.from({ length: 13 }, (_, entry) => entry + 1));
      assert.ok(waits > 2, `It waited for room ${waits} times only`);
    }),
);
