import assert from "node:assert/strict";
import { runScript } from "./script_runner.ts";

/** `deno test -A tests/raft/scripts_test.ts -- --rewrite` writes the output that came; read the diff. */
const rewrite = Deno.args.includes("--rewrite");
const directory = new URL("./scripts/", import.meta.url);

for (const { name } of [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  const file = new URL(name, directory);
  const text = Deno.readTextFileSync(file);
  if (rewrite) Deno.writeTextFileSync(file, runScript(text));
  Deno.test({
    name: `Raft goes through the scenario scripts/${name} as written`,
    permissions: "none",
    fn() {
      assert.equal(runScript(text), text);
    },
  });
}
