import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { workerModules } from "../../tools/compile.ts";

const sourceFolder = new URL("../../src/", import.meta.url);

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
