import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildLibrary } from "../../src/sqlite/build.ts";
import { workerModules } from "../../tools/compile.ts";

const sourceFolder = new URL("../../src/", import.meta.url);

Deno.test("buildLibrary says of a target that nobody knows which there are", async () => {
  await assert.rejects(
    buildLibrary({ target: "bogus" }),
    /No way known to build for bogus: .*x86_64-unknown-linux-gnu/,
  );
});

Deno.test("workerModules finds every module that src names only by its address", async () => {
  const included = await workerModules();
  for (const name of await readdir(sourceFolder, { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    const file = new URL(name, sourceFolder);
    const source = await Deno.readTextFile(file);
    for (const [, module = ""] of source.matchAll(/new URL\(\s*"([^"]+\.ts)"/g)) {
      const path = fileURLToPath(new URL(module, file));
      assert.ok(
        path.endsWith("/main.ts") || included.includes(path),
        `deno compile would leave out ${path}, named in src/${name}: call it …worker.ts`,
      );
    }
  }
});
