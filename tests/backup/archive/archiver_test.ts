import { strict as assert } from "node:assert";
import { ArchiveReader } from "../../../src/backup/archive/reader.ts";
import { eventually } from "../../cluster/harness.ts";
import { withDirectory } from "../../directory.ts";
import { Archived } from "./archived.ts";

Deno.test("an archive whose disk is away is not begun anew in its empty directory, and goes on without a gap when it is back", async () => {
  await withDirectory(async (directory) => {
    const [at, away] = [`${directory}/archive`, `${directory}/away`];
    await using archived = await Archived.open(at);
    await archived.write("CREATE TABLE t (v)");
    await archived.write("INSERT INTO t VALUES (1)");
    await Deno.rename(at, away);
    await Deno.mkdir(at);
    const { live, history } = archived;
    const entry = live.entries.execute(["INSERT INTO t VALUES (2)"]);
    history.entries.push(entry.entry);
    await live.store.apply([entry]);
    await eventually(
      () => `a few refusals\n${archived.log.text}`,
      () => (archived.archiver.figures.failing?.times ?? 0) > 2,
    );
    assert.match(archived.archiver.figures.failing?.message ?? "", /mounting its disk/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(at)), []);
    await Deno.remove(at);
    await Deno.rename(away, at);
    await archived.write("INSERT INTO t VALUES (3)");
    assert.equal(archived.archiver.figures.gaps, 0);
    const { faults, ranges } = await (await ArchiveReader.open(archived.place)).inventory(true);
    assert.deepEqual(faults, []);
    assert.deepEqual(ranges.map(({ last }) => last), [history.entries.length]);
  });
});

Deno.test("an archive is added to behind the last entry that a log holds no more only where that is its last, too", async () => {
  await withDirectory(async (directory) => {
    await using archived = await Archived.open(`${directory}/archive`);
    await archived.write("CREATE TABLE t (v)");
    const last = await archived.write("INSERT INTO t VALUES (1)");
    const { entries } = archived.history;
    const same = entries[last - 1];
    assert(same);
    archived.leader.firstLogIndex = last + 1;
    entries[last - 1] = { ...same, term: same.term + 1 };
    await archived.restart();
    await eventually(
      () => `a refusal\n${archived.log.text}`,
      () => /another history/.test(archived.archiver.figures.failing?.message ?? ""),
    );
    entries[last - 1] = same;
    await archived.restart();
    await archived.write("INSERT INTO t VALUES (2)");
    assert.deepEqual([archived.archiver.figures.gaps, archived.archiver.figures.basesMade], [0, 0]);
  });
});

Deno.test("a base copy that is made of a database which is found damaged meanwhile is none", async () => {
  await withDirectory(async (directory) => {
    await using archived = await Archived.open(`${directory}/archive`);
    const { objects, live, log } = archived;
    let isSound = true;
    objects.before = (action) => {
      if (action !== "upload" || !isSound) return;
      isSound = false;
      live.store.distrust();
    };
    await archived.write("CREATE TABLE t (v)");
    assert.match(log.text, /found damaged while it was copied/);
    const files = await Array.fromAsync(Deno.readDir(`${directory}/archive/base`));
    assert.equal(files.length, 2, "one copy, and its record");
  });
});
