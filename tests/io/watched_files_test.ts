import assert from "node:assert/strict";
import { join } from "node:path";
import { WatchedFiles } from "../../src/io/watched_files.ts";
import type { Clock, LogLevel } from "../../src/io/types.ts";

/** Nothing is due by itself: the tests call check. */
const stillClock: Clock = { now: () => 0, wallTime: () => 0, after: () => ({ cancel() {} }) };

/** @param folder Of the files: "first", where they are, or a link to it. */
async function watching(
  run: (
    parts: { directory: string; files: WatchedFiles<number>; lines: string[]; seen: number[] },
  ) => Promise<void>,
  folder = "first",
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const lines: string[] = [];
  const seen: number[] = [];
  try {
    const write = (name: string, text: string) => Deno.writeTextFile(join(directory, name), text);
    await Deno.mkdir(join(directory, "first"));
    await write("first/a", "1");
    await write("first/b", "2");
    if (folder !== "first") await Deno.symlink("first", join(directory, folder));
    const files = await WatchedFiles.open({
      what: "The sum",
      paths: [join(directory, folder, "a"), join(directory, folder, "b")],
      read: (contents) => {
        const numbers = contents.map((bytes) => Number(new TextDecoder().decode(bytes)));
        const sum = numbers.reduce((some, number) => some + number, 0);
        if (Number.isNaN(sum)) throw new Error("a number is wanted");
        return sum;
      },
      clock: stillClock,
      logger: { log: (level: LogLevel, _room, message) => lines.push(`${level} ${message}`) },
    });
    files.onChange((sum) => seen.push(sum));
    await run({ directory, files, lines, seen });
    files.stop();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("files that change are in force at the next look, and listeners hear of it", () =>
  watching(async ({ directory, files, seen }) => {
    assert.equal(files.current, 3);
    assert.equal(await files.check(), false);
    await Deno.writeTextFile(join(directory, "first/b"), "3");
    assert.equal(await files.check(), true);
    assert.equal(files.current, 4);
    assert.deepEqual(seen, [4]);
  }));

/** Windows cannot put one link to a folder in another's place. */
const withLinks = { ignore: Deno.build.os === "windows" };

Deno.test(
  "a folder swapped by a symbolic link is seen, as Kubernetes swaps it",
  withLinks,
  () =>
    watching(async ({ directory, files }) => {
      await Deno.mkdir(join(directory, "second"));
      await Deno.writeTextFile(join(directory, "second/a"), "10");
      await Deno.writeTextFile(join(directory, "second/b"), "20");
      await Deno.symlink("second", join(directory, "next"));
      await Deno.rename(join(directory, "next"), join(directory, "data"));
      assert.equal(await files.check(), true);
      assert.equal(files.current, 30);
    }, "data"),
);

Deno.test("broken and missing files leave the last good ones in force, and are told of once", () =>
  watching(async ({ directory, files, lines, seen }) => {
    await Deno.writeTextFile(join(directory, "first/a"), "x");
    for (let i = 0; i < 3; i++) assert.equal(await files.check(), false);
    assert.equal(files.failure, "a number is wanted");
    await Deno.remove(join(directory, "first/b"));
    for (let i = 0; i < 3; i++) assert.equal(await files.check(), false);
    assert.match(files.failure ?? "", /Cannot read .*b: there is no such file/);
    assert.equal(files.current, 3);
    assert.deepEqual(seen, []);
    assert.equal(lines.length, 2, lines.join("\n"));
    assert.match(lines[0] ?? "", /^ERROR The sum stays as it was: a number is wanted$/);

    await Deno.writeTextFile(join(directory, "first/b"), "5");
    await Deno.writeTextFile(join(directory, "first/a"), "5");
    assert.equal(await files.check(), true);
    assert.equal(files.failure, undefined);
    assert.equal(files.current, 10);
  }));
