import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folders = [".github", "client", "docs", "src", "tests"];

/** Paths of the files of that ending in a folder and below it, from the root. */
async function* filesIn(folder: string, ending: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = join(folder, name);
    if (isDirectory && name !== "node_modules") yield* filesIn(path, ending);
    else if (name.endsWith(ending)) yield path;
  }
}

async function pages(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const read = async (path: string) => {
    found.set(path, await Deno.readTextFile(join(root, path)));
  };
  await read("README.md");
  for (const folder of folders) for await (const path of filesIn(folder, ".md")) await read(path);
  return found;
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^ *```[^]*?^ *```$/gm, "");
}

/** What GitHub calls the places of a page: its headings, in small letters, by hyphens. */
function placesOf(markdown: string): Set<string> {
  const headings = withoutCode(markdown).matchAll(/^#{1,6} (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) => {
      const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase();
      return text.replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-");
    }),
  );
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(join(root, path)).then(() => true, () => false);
}

Deno.test("links of the pages lead to files that are there, and to headings of theirs", async () => {
  const all = await pages();
  const broken: string[] = [];
  let count = 0;
  for (const [page, text] of all) {
    for (const [, link = ""] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      count++;
      const [path = "", place] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path));
      const isGood = place === undefined
        ? await isThere(target)
        : placesOf(all.get(target) ?? "").has(place);
      if (!isGood) broken.push(`${page}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(count > 50, `only ${count} links were found`);
});

Deno.test("what the program and the changelog call a page of docs is there", async () => {
  const texts = [join(".github", "CHANGELOG.md")];
  for await (const path of filesIn("src", ".ts")) texts.push(path);
  const missing: string[] = [];
  for (const path of texts) {
    const text = await Deno.readTextFile(join(root, path));
    for (const [page] of text.matchAll(/(?<!\/)\bdocs\/[\w/-]+\.md\b/g)) {
      if (!await isThere(page)) missing.push(`${path}: ${page}`);
    }
  }
  assert.deepEqual(missing, []);
});
