import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { withDirectory } from "../directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = `${root}src/http/console/page`;

/** What the whole page may be on its way, in bytes. */
const packedBytesMax = 250_000;

Deno.test("the console's page is what its sources make: run `deno task console` after a change", () =>
  withDirectory(async (directory) => {
    const made = `${directory}/page`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", "console/deno.json", "--frozen", "console/build.ts", made],
      cwd: root,
      stderr: "piped",
      stdout: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const names = (await readdir(made)).sort();
    assert.deepEqual((await readdir(kept)).sort(), names);
    for (const name of names) {
      const [now, then] = await Promise.all(
        [made, kept].map((folder) => Deno.readTextFile(`${folder}/${name}`)),
      );
      assert.ok(now === then, `${name} is not current`);
    }
  }));

Deno.test(`the console's page is no larger than ${packedBytesMax / 1000} kB on its way`, async () => {
  let packed = 0;
  for (const name of await readdir(kept)) {
    // The page names it nowhere.
    if (name === "licenses.txt") continue;
    packed += gzipSync(await Deno.readFile(`${kept}/${name}`), { level: 9 }).length;
  }
  assert.ok(packed <= packedBytesMax, `${packed} bytes`);
});
