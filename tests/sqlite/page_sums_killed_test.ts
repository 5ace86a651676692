import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import { DatabaseImage, findLibrary, openLibrary, PageSums } from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";

const child = new URL("./page_sums_child.ts", import.meta.url).pathname;

/** Runs the child until it has said `lines` lines, and kills it; whether it has believed the sums. */
async function runAndKill(path: string, seed: number, lines: number): Promise<boolean> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", child, path, `${seed}`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.split("\n").length <= lines) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  process.kill("SIGKILL");
  await process.status;
  await reader.cancel();
  return text.startsWith("known true");
}

Deno.test("a process that is killed at any moment leaves sums that are believed, and that all pages have", () =>
  withDirectory(async (directory) => {
    const seed = Math.floor(Math.random() * 1e9);
    const random = new Prng(BigInt(seed));
    const library = openLibrary(await findLibrary({}));
    const path = `${directory}/db.sqlite`;
    let believed = 0;
    for (let kills = 0; kills < 6; kills++) {
      const known = await runAndKill(path, seed + kills, 2 + random.below(60));
      const sums = PageSums.begin(library, path, undefined);
      assert.ok(sums);
      // What the next process finds is what this one has found, and left as it was.
      if (known || sums.known) believed++;
      {
        using image = new DatabaseImage(library, path, 5000);
        image.read(0, new Uint8Array(new ArrayBuffer(image.sizeBytes)));
        assert.equal(image.connection.scalar("PRAGMA integrity_check"), "ok", `seed ${seed}`);
      }
      assert.equal(sums.mismatches.reads, 0, `seed ${seed}`);
      sums.end();
    }
    assert.ok(believed > 0, `seed ${seed}`);
  }));
