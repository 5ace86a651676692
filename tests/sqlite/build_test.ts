import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makeFile } from "../../src/sqlite/cache.ts";
import { runProgram } from "../../src/sqlite/program.ts";
import { eventually } from "../cluster/harness.ts";
import { library, withDirectory } from "./fixture.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** A compiler that has another program at work, and never gets done; both leave their process ids. */
const slowCompiler = `#!/bin/sh
[ "$1" = --version ] && exit
sleep 1000 &
echo $$ $! > "$(dirname "$0")/pids.new"
mv "$(dirname "$0")/pids.new" "$(dirname "$0")/pids"
wait
`;

/** Where Deno has the packages already, which it would look for below XDG_CACHE_HOME otherwise. */
async function denoDirectory(): Promise<string> {
  return JSON.parse(await runProgram(Deno.execPath(), ["info", "--json"], 10_000)).denoDir;
}

/** Whether a process is there, and not only its exit code. */
async function runs(pid: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", pid] }).output();
  return /^[^Z\s]/.test(new TextDecoder().decode(stdout));
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test({
    name: `the compiler ends with the node that builds SQLite, by ${signal}`,
    ignore: Deno.build.os === "windows" || library.origin !== "built",
    fn: () =>
      withDirectory(async (directory) => {
        const compiler = `${directory}/cc`;
        await Deno.writeTextFile(compiler, slowCompiler, { mode: 0o700 });
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--quiet", main, `${directory}/data`],
          env: {
            CC: compiler,
            XDG_CACHE_HOME: directory,
            DENO_DIR: await denoDirectory(),
            DENO_SQLITE_PATH: "",
          },
          stderr: "null",
        }).spawn();
        const text = await eventually("the compiler", () => Deno.readTextFile(`${directory}/pids`));
        const pids = text.trim().split(" ");
        assert.equal(pids.length, 2);
        for (const pid of pids) assert(await runs(pid), pid);
        child.kill(signal);
        const { code } = await child.status;
        if (signal === "SIGTERM") assert.equal(code, 0);
        try {
          await eventually(
            "the compiler's end",
            async () => !(await Promise.all(pids.map(runs))).includes(true),
            10_000,
          );
        } finally {
          for (const pid of pids) if (await runs(pid)) Deno.kill(Number(pid), "SIGKILL");
        }
      }),
  });
}

Deno.test({
  name: "runProgram returns output, and says what failed, is not there, or took too long",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    assert.equal(await runProgram("sh", ["-c", "echo a b; echo c >&2"], 10_000), "a b\n");
    await assert.rejects(
      runProgram("sh", ["-c", "echo the reason >&2; exit 3"], 10_000),
      /Program sh failed: the reason$/,
    );
    await assert.rejects(
      runProgram("no-such-program", [], 10_000),
      /no-such-program can't be run: is it installed\?$/,
    );
    await assert.rejects(
      runProgram("sh", ["-c", "sleep 1000 & wait"], 100),
      /Program sh did not end within 100 ms$/,
    );
  },
});

Deno.test("makeFile sweeps away what tries left that were cut short an hour ago", () =>
  withDirectory(async (directory) => {
    const left = async (name: string, ageHours: number) => {
      await Deno.writeTextFile(`${directory}/${name}`, "");
      const time = Date.now() / 1000 - ageHours * 3600;
      await Deno.utime(`${directory}/${name}`, time, time);
    };
    await left(`old.so.${crypto.randomUUID()}.tmp`, 2);
    const underWay = `new.so.${crypto.randomUUID()}.tmp`;
    await left(underWay, 0.5);
    await left("of-somebody-else.tmp", 2);
    await left("old.so", 2);
    await makeFile(`${directory}/made`, (path) => Deno.writeTextFile(path, ""));
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name).sort();
    assert.deepEqual(names, ["made", underWay, "of-somebody-else.tmp", "old.so"].sort());
  }));
