import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { licenseText } from "../../src/cli/license_text.ts";

const root = new URL("../../", import.meta.url);

interface LockedPackage {
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** Every package that src imports, and what these bring along, by deno.lock. */
async function packagesOfTheProgram(): Promise<Set<string>> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
  const locked = Object.entries<LockedPackage>(lock.npm);
  const waiting: string[] = [];
  for (const name of await readdir(new URL("src", root), { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    const source = await Deno.readTextFile(new URL(`src/${name}`, root));
    for (const [, specifier = ""] of source.matchAll(/(?: from |\bimport\()"([^".:][^":]*)"/g)) {
      const named = Object.keys(imports).find((key) => `${specifier}/`.startsWith(`${key}/`));
      assert.ok(named, `src/${name} imports ${specifier}, which deno.json does not name`);
      // What lies in this repository is the program's own.
      if (!imports[named].startsWith("./")) waiting.push(named);
    }
  }
  const found = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const name = next.replace(/(?<=.)@.*$/, "");
    if (found.has(name)) continue;
    found.add(name);
    const [, entry] = locked.find(([key]) => key.startsWith(`${name}@`)) ?? [];
    assert.ok(entry, `deno.lock has no ${name}`);
    waiting.push(...entry.dependencies ?? [], ...entry.optionalDependencies ?? []);
  }
  return found;
}

/** What may be in the console's page: all that it is built of, but for what builds it. */
async function packagesOfTheConsole(): Promise<string[]> {
  const lock = JSON.parse(await Deno.readTextFile(new URL("console/deno.lock", root)));
  return Object.keys(lock.npm).map((name) => name.replace(/(?<=.)@.*$/, ""))
    .filter((name) => !/^(@esbuild\/|esbuild$|preact-render-to-string$)/.test(name));
}

Deno.test("licenseText names every package that is in the program", async () => {
  const names = await packagesOfTheProgram();
  assert.ok(names.has("hono") && names.has("cli-table3"));
  for (const name of await packagesOfTheConsole()) names.add(name);
  for (const name of names) assert.ok(licenseText.toLowerCase().includes(name), name);
});
