import assert from "node:assert/strict";
import { extractionsOf } from "../../src/sqlite/embedded_library.ts";
import { withDirectory } from "./fixture.ts";

const bytes = new TextEncoder().encode("a library");

Deno.test("a library inside the program is put where it can be, and stays there", () =>
  withDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const own = `${directory}/data/library`;
    const [refused, inOwn, forThisRun, ...more] = extractionsOf(bytes, [
      undefined,
      `${directory}/file/cache`,
      own,
    ]);
    assert.equal(more.length, 0);
    await assert.rejects(
      async () => await refused?.(),
      /SQLite's library cannot be put into .*cache: .*\(os error/,
    );
    const path = await inOwn?.() ?? "";
    assert.ok(path.startsWith(`${own}/embedded-`), path);
    assert.deepEqual(await Deno.readFile(path), bytes);
    const { ino } = await Deno.stat(path);
    assert.equal(await inOwn?.(), path);
    assert.equal((await Deno.stat(path)).ino, ino);
    assert.deepEqual(await Deno.readFile(await forThisRun?.() ?? ""), bytes);
  }));
