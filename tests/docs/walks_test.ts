import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const architecture = ".github/ARCHITECTURE.md";

interface Walk {
  readonly title: string;
  readonly items: readonly string[];
}

/** The numbered lists of files below headings that begin with "The way of". */
async function readWalks(): Promise<Walk[]> {
  const text = await Deno.readTextFile(join(root, architecture));
  return text.split(/^## /m).filter((section) => section.startsWith("The way of")).map(
    (section) => {
      const [title = "", ...lines] = section.split("\n");
      const items = lines.join("\n").split(/^(?=\d+\. )/m).slice(1);
      return { title, items: items.map((item) => item.split("\n\n")[0] ?? "") };
    },
  );
}

/** The files below src that a step names: the first is where it takes place. */
function filesIn(item: string): string[] {
  return [...item.matchAll(/`(src\/[^`]+\.ts)`/g)].map(([, path]) => path ?? "");
}

const read = new Map<string, Set<string>>();

/** The files that one imports, types too. */
function importsOf(path: string): Set<string> {
  const known = read.get(path);
  if (known !== undefined) return known;
  const text = Deno.readTextFileSync(join(root, path));
  const imports = new Set(
    [...text.matchAll(/\bfrom "(\.{1,2}\/[^"]+)"/g)].map(([, specifier]) =>
      normalize(join(dirname(path), specifier ?? "")).replaceAll("\\", "/")
    ),
  );
  read.set(path, imports);
  return imports;
}

/**
 * Whether a walk gets to `file` from one of those before it: one imports it, or both are tied by a
 * file that the step names, an interface that both import or the place that imports both.
 */
function isReached(file: string, before: readonly string[], ties: readonly string[]): boolean {
  const knows = (from: string, to: string) => from === to || importsOf(from).has(to);
  if (before.some((earlier) => importsOf(earlier).has(file))) return true;
  return ties.some((tie) =>
    before.some((earlier) =>
      (knows(earlier, tie) && knows(file, tie)) || (knows(tie, earlier) && knows(tie, file)) ||
      (knows(earlier, tie) && knows(tie, file))
    )
  );
}

Deno.test("the walks of ARCHITECTURE name files that are there and lead from one to the next", async () => {
  const walks = await readWalks();
  assert.deepEqual(walks.map(({ title }) => title), [
    "The way of a write",
    "The way of a linearizable read at a follower",
  ]);
  for (const { title, items } of walks) {
    assert(items.length > 8, `${title}: ${items.length} steps`);
    const before: string[] = [];
    items.forEach((item, at) => {
      assert.match(item, new RegExp(`^${at + 1}\\. `), `${title}: step ${at + 1} is out of order`);
      const [file, ...ties] = filesIn(item);
      assert(file !== undefined, `${title}: step ${at + 1} names no file: ${item}`);
      if (before.length > 0) {
        assert(
          isReached(file, before, ties),
          `${title}: no file before ${file} imports it, nor does what step ${
            at + 1
          } names tie them`,
        );
      }
      before.push(file);
    });
  }
});
