import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a task's program to its end. */
async function runTool(config: readonly string[], path: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      ...config,
      path,
      ...args,
    ],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

interface Task {
  readonly command: string;
}

/** The program of each task that has its own: what runs deno's or raftlite's answers as that does. */
function taskPrograms(): [task: string, file: string, args: string[]][] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`)) as {
    tasks: Record<string, Task>;
  };
  return Object.entries(tasks).flatMap(([task, { command }]) => {
    const [, config, file] = /^deno run -A (--config \S+ )?([^\s-]\S*)$/.exec(command) ?? [];
    const isOthers = file === undefined || ["main.ts", "tools/test.ts"].includes(file);
    return isOthers ? [] : [[task, file, config?.trim().split(" ") ?? []]];
  });
}

for (const [task, file, config] of taskPrograms()) {
  Deno.test(`${task} answers --help, and a flag that there is not, by its usage, and does nothing`, async () => {
    const help = await runTool(config, file, "--help");
    assert.equal(help.code, 0, help.stderr);
    assert.match(help.stdout, new RegExp(`^Usage: deno task ${task}\\b`));
    const refused = await runTool(config, file, "--nonsense");
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /^fatal: .*--nonsense/);
    assert.match(refused.stderr, new RegExp(`Usage: deno task ${task}\\b`));
    assert.doesNotMatch(refused.stderr, /^ +at /m);
  });
}

Deno.test("the tasks that have programs of their own are found", () => {
  const found = new Set(taskPrograms().map(([task]) => task));
  for (const task of ["compile", "simulate", "console"]) assert.ok(found.has(task), task);
});

for (const file of ["tools/compile.ts", "tests/simulation/main.ts"]) {
  Deno.test(`${file} refuses a word that it does not take`, async () => {
    const refused = await runTool([], file, "nonsense");
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /^fatal: .*nonsense/);
    assert.match(refused.stderr, /Usage: deno task /);
    assert.doesNotMatch(refused.stderr, /^ +at /m);
  });
}

Deno.test("simulate refuses a number that is none", async () => {
  const refused = await runTool([], "tests/simulation/main.ts", "--seeds", "many");
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /^fatal: /);
  assert.doesNotMatch(refused.stderr, /^ +at /m);
});
