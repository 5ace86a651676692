import assert from "node:assert/strict";
import { History } from "../../src/cli/shell/history.ts";

async function withFile(test: (path: string) => void): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    test(`${directory}/history`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("History makes one line of a statement where that changes nothing", async () => {
  await withFile((path) => {
    const history = new History(path, 10);
    history.add("SELECT 1,\n  '[' FROM t;");
    history.add("SELECT 'a\nb';");
    history.add("SELECT 1 -- one\n;");
    assert.deepEqual(history.entries, [
      ";",
      "SELECT 1 -- one",
      "b';",
      "SELECT 'a",
      "SELECT 1, '[' FROM t;",
    ]);
    assert.deepEqual(new History(path, 10).entries, history.entries);
  });
});

Deno.test("History keeps its newest entries, and leaves repetitions out", async () => {
  await withFile((path) => {
    const history = new History(path, 2);
    for (const text of ["a", "a", "b", "", "c", "d", "e", "f"]) history.add(text);
    assert.deepEqual(history.entries, ["f", "e"]);
    assert.equal(Deno.readTextFileSync(path), "a\nb\nc\nd\ne\nf\n");
    assert.deepEqual(new History(path, 2).entries, ["f", "e"]);
    assert.equal(Deno.readTextFileSync(path), "e\nf\n");
  });
});

Deno.test("History of no entries writes no file", async () => {
  await withFile((path) => {
    const history = new History(path, 0);
    history.add("a");
    assert.deepEqual(history.entries, []);
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  });
});
