import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { runAndKill } from "../killed_program.ts";
import { TestStore } from "./fixture.ts";
import { contents, entriesOf, requestsOf } from "./random_entries.ts";
import { anySeed } from "./seeds.ts";

const requests = 400;
const child = new URL("./crash_child.ts", import.meta.url).pathname;

Deno.test("openStore goes on where a killed process was, and ends up as if it had not been killed", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const directory = await Deno.makeTempDir({ prefix: "raftlite-crash-" });
  let acknowledged = 0;
  for (let kills = 0; kills < 3; kills++) {
    const args = [directory, `${seed}`, `${requests}`];
    const said = await runAndKill(child, args, 1 + random.below(20));
    const last = said.trimEnd().split("\n").at(-1) ?? "";
    if (last === "end") break;
    acknowledged = Number(last);
  }
  await using crashed = await TestStore.open({ directory, foreignKeys: true });
  assert.ok(crashed.store.applied.index >= acknowledged, `seed ${seed}`);
  const entries = entriesOf(requestsOf(new Prng(seed), requests), "keyed");
  await crashed.apply(...entries.slice(crashed.store.applied.index));
  await using reference = await TestStore.open({ foreignKeys: true });
  await reference.apply(...entries);
  assert.equal(await contents(crashed), await contents(reference), `seed ${seed}`);
});

Deno.test("openStore recovers from the files as they were at any moment of a run", async () => {
  const seed = anySeed();
  const entries = entriesOf(requestsOf(new Prng(seed), requests), "keyed");
  await using reference = await TestStore.open({ foreignKeys: true });
  await reference.apply(...entries);
  const expected = await contents(reference);
  const source = await Deno.makeTempDir({ prefix: "raftlite-copied-" });
  const running = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", child, source, `${seed}`, `${requests}`],
    stdout: "piped",
  }).spawn();
  const reader = running.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let copies = 0; copies < 4; copies++) {
    const { value = "end" } = await reader.read();
    if (value.includes("end")) break;
    // Stopped, since a copy of a database and its WAL must be of one moment; a power cut is.
    running.kill("SIGSTOP");
    const directory = await Deno.makeTempDir({ prefix: "raftlite-copy-" });
    for (const name of ["db.sqlite", "db.sqlite-wal"]) {
      await Deno.copyFile(`${source}/${name}`, `${directory}/${name}`);
    }
    running.kill("SIGCONT");
    await using copy = await TestStore.open({ directory, foreignKeys: true });
    await copy.apply(...entries.slice(copy.store.applied.index));
    assert.equal(await contents(copy), expected, `seed ${seed}`);
  }
  running.kill("SIGKILL");
  await running.status;
  await reader.cancel();
  await Deno.remove(source, { recursive: true });
});

Deno.test("openStore removes what work that was cut short has left", async () => {
  const s = await TestStore.open();
  await s.store.close();
  await Deno.writeTextFile(`${s.path}.tmp-received-1`, "half");
  await Deno.writeTextFile(`${s.path}.tmp-load-wal`, "half");
  await Deno.writeTextFile(`${s.directory}/other`, "kept");
  await using again = await TestStore.open({ directory: s.directory });
  const names = [...Deno.readDirSync(again.directory)].map((file) => file.name).sort();
  assert.deepEqual(names.filter((name) => !name.startsWith("db.sqlite-")), ["db.sqlite", "other"]);
});
