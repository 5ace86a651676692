import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Runs a task's program to its end. */
async function runTool(path: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      fileURLToPath(new URL(`../../${path}`, import.meta.url)),
      ...args,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const tools = { compile: "tools/compile.ts", simulate: "tests/simulation/main.ts" };

for (const [task, file] of Object.entries(tools)) {
  Deno.test(`${task} answers --help, and a command line that makes no sense, by its usage`, async () => {
    const help = await runTool(file, "--help");
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, new RegExp(`^Usage: deno task ${task} `));
    for (const bad of ["--nonsense", "nonsense"]) {
      const refused = await runTool(file, bad);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, new RegExp(`^fatal: .*${bad}`));
      assert.match(refused.stderr, new RegExp(`Usage: deno task ${task} `));
      assert.doesNotMatch(refused.stderr, /^ +at /m);
    }
  });
}

Deno.test("simulate refuses a number that is none", async () => {
  const refused = await runTool(tools.simulate, "--seeds", "many");
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /^fatal: /);
  assert.doesNotMatch(refused.stderr, /^ +at /m);
});
