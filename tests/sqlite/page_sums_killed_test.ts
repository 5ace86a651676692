import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { DatabaseImage, PageSums } from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";
import { runAndKill } from "../killed_program.ts";
import { anySeed } from "../store/seeds.ts";
import { library } from "./page_sums_fixture.ts";

const child = new URL("./page_sums_child.ts", import.meta.url).pathname;

Deno.test("a process that is killed at any moment leaves sums that are believed, and that all pages have", () =>
  withDirectory(async (directory) => {
    const seed = anySeed();
    const random = new Prng(seed);
    const path = `${directory}/db.sqlite`;
    let believed = 0;
    // Each may come at a moment of which nothing can be believed.
    for (let kills = 0; kills < 6 || believed === 0; kills++) {
      assert.ok(kills < 100, `seed ${seed}`);
      const said = await runAndKill(child, [path, `${seed + BigInt(kills)}`], 2 + random.below(60));
      const sums = PageSums.begin(library, path, undefined);
      assert.ok(sums);
      // What the next process finds is what this one has found, and left as it was.
      if (said.startsWith("known true") || sums.known) believed++;
      {
        using image = new DatabaseImage(library, path, 5000);
        image.read(0, new Uint8Array(new ArrayBuffer(image.sizeBytes)));
        assert.equal(image.connection.scalar("PRAGMA integrity_check"), "ok", `seed ${seed}`);
      }
      assert.equal(sums.mismatches.reads, 0, `seed ${seed}`);
      sums.end();
    }
  }));
