import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";
import { onFullDisk } from "./full_disk.ts";

const child = fileURLToPath(new URL("./full_exchange_child.ts", import.meta.url));

interface Said {
  readonly waited: boolean;
  readonly outcome: string;
  readonly integrity: string;
  readonly lines: readonly string[];
}

/** What a store says whose database is exchanged without room; undefined where no disk can be made so. */
async function exchange(directory: string, ending: "waited for" | "closed") {
  return await onFullDisk(directory, child, ending) as Said | undefined;
}

testWith(
  "cc",
  "an exchange of the database waits for room on the disk, and is done then",
  () =>
    withDirectory(async (directory) => {
      const said = await exchange(directory, "waited for");
      if (said === undefined) return;
      assert.ok(said.waited, said.outcome);
      assert.equal(said.outcome, "installed 21");
      assert.match(said.integrity, /"ok"/);
      assert.match(said.lines.join("\n"), /No room for database .*\n.*The disk has room again/);
    }),
);

testWith(
  "cc",
  "a store that is closed while its exchange waits for room ends",
  () =>
    withDirectory(async (directory) => {
      const said = await exchange(directory, "closed");
      if (said === undefined) return;
      assert.ok(said.waited, said.outcome);
      assert.match(said.outcome, /closed, without room to exchange database/);
    }),
);
