import assert from "node:assert/strict";
import { routes } from "../../src/http/routes.ts";

const page = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));

Deno.test("docs/api.md says which permissions each route asks for", () => {
  const [table = ""] = /^\| permission [^]*?\n\n/m.exec(page) ?? [];
  const said: Record<string, string[]> = {};
  for (const row of table.trim().split("\n").slice(2)) {
    const [, asked = "", paths = ""] = row.split("|");
    const permissions = [...asked.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    for (const [, path = ""] of paths.matchAll(/`(\/[^`]*)`/g)) said[path] = permissions;
  }
  const are = Object.fromEntries(routes.map(({ path, permissions }) => [path, [...permissions]]));
  assert.deepEqual(said, are);
});
