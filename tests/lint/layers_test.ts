import assert from "node:assert/strict";
import plugin from "../../lint/layers.ts";

/** The rules that the plugin finds broken in a file, in the order found. */
function broken(filename: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, `/anywhere/${filename}`, source).map((found) => found.id);
}

const importOrder = "layers/import-order";
const pureCore = "layers/pure-core";
const outsideWorld = "layers/outside-world";

const importTable: readonly [filename: string, specifier: string, allowed: boolean][] = [
  ["src/base/a.ts", "./b.ts", true],
  ["src/base/a.ts", "../raft/types.ts", false],
  ["src/raft/a.ts", "../base/assert.ts", true],
  ["src/raft/a.ts", "../io/types.ts", false],
  ["src/raft/a.ts", "hono", false],
  ["src/raft/a.ts", "node:fs", false],
  ["src/io/a.ts", "../raft/types.ts", false],
  ["src/raft_log/a.ts", "../raft/types.ts", true],
  ["src/raft_log/a.ts", "../raft/configuration.ts", true],
  ["src/raft_log/a.ts", "../raft/raft.ts", false],
  ["src/raft_log/a.ts", "../transport/types.ts", false],
  ["src/raft_log/a.ts", "node:fs", false],
  ["src/transport/a.ts", "../raft_log/types.ts", false],
  ["src/transport/deep/a.ts", "../../io/types.ts", true],
  ["src/transport/deep/a.ts", "../../sqlite/mod.ts", false],
  ["src/sqlite/a.ts", "../raft/types.ts", false],
  ["src/store/a.ts", "../sqlite/mod.ts", true],
  ["src/store/a.ts", "../raft/raft.ts", false],
  ["src/store/a.ts", "../node/node.ts", false],
  ["src/node/a.ts", "../store/types.ts", true],
  ["src/node/a.ts", "../http/app.ts", false],
  ["src/cluster/a.ts", "../store/types.ts", true],
  ["src/cluster/a.ts", "../store/codec/command_codec.ts", true],
  ["src/cluster/a.ts", "../store/apply/writer.ts", false],
  ["src/http/a.ts", "../cluster/types.ts", true],
  ["src/http/a.ts", "../cli/flags.ts", false],
  ["src/http/a.ts", "../transport/types.ts", false],
  ["src/http/a.ts", "hono", true],
  ["src/cli/a.ts", "../http/app.ts", true],
  ["src/cli/a.ts", "../../deno.json", true],
  ["src/node/a.ts", "../../tests/simulation/main.ts", false],
  ["tests/node/a.ts", "../../src/cli/flags.ts", true],
];

for (const [filename, specifier, allowed] of importTable) {
  Deno.test(`import-order ${allowed ? "allows" : "refuses"} ${specifier} in ${filename}`, () => {
    assert.deepEqual(
      broken(filename, `import { a } from "${specifier}";`),
      allowed ? [] : [importOrder],
    );
  });
}

Deno.test("import-order sees types, re-exports and imports at run time", () => {
  const file = "src/base/a.ts";
  assert.deepEqual(broken(file, `import type { A } from "../raft/types.ts";`), [importOrder]);
  assert.deepEqual(broken(file, `export { a } from "../raft/types.ts";`), [importOrder]);
  assert.deepEqual(broken(file, `export * from "../raft/types.ts";`), [importOrder]);
  assert.deepEqual(broken(file, `const a = await import("../raft/types.ts");`), [importOrder]);
});

Deno.test("import-order refuses a room that is in no layer", () => {
  assert.deepEqual(broken("src/helpers/a.ts", "export const a = 1;"), [importOrder]);
});

const impure: readonly string[] = [
  "Date.now();",
  "new Date();",
  "Math.random();",
  "performance.now();",
  "setTimeout(() => {}, 1);",
  "setInterval(() => {}, 1);",
  "queueMicrotask(() => {});",
  "new Promise(() => {});",
  "Promise.resolve();",
  "let a: Promise<void>;",
  "async function a() {}",
  "const a = async () => {};",
  "crypto.randomUUID();",
  "Deno.cwd();",
];

for (const source of impure) {
  Deno.test(`pure-core refuses ${source} in src/raft and nowhere else`, () => {
    assert.ok(broken("src/raft/a.ts", source).includes(pureCore));
    assert.ok(!broken("src/http/a.ts", source).includes(pureCore));
  });
}

Deno.test("pure-core allows members and keys that have an impure name", () => {
  const source = "const a = { Date: 1 }; a.Date; interface B { Promise: 1 } Math.floor(1.5);";
  assert.deepEqual(broken("src/raft/a.ts", source), []);
});

const outside: readonly [filename: string, source: string, allowed: boolean][] = [
  ["src/sqlite/symbols.ts", `Deno.dlopen("a", {});`, true],
  ["src/io/c_library.ts", `Deno.dlopen("a", {});`, true],
  ["src/http/serve.ts", `Deno.dlopen("a", {});`, false],
  ["src/store/writer.ts", `Deno.dlopen("a", {});`, false],
  ["src/io/disk.ts", `Deno.dlopen("a", {});`, false],
  ["src/cli/serve.ts", `Deno.dlopen("a", {});`, false],
  ["src/io/disk.ts", `await Deno.open("a");`, true],
  ["src/http/server.ts", "Deno.serve(() => new Response());", true],
  ["src/cli/serve.ts", `Deno.addSignalListener("SIGTERM", () => {});`, true],
  ["src/sqlite/build.ts", `new Deno.Command("cc");`, true],
  ["src/sqlite/a.ts", "Deno.listen({ port: 1 });", false],
  ["src/sqlite/find_library.ts", `await Deno.open("a");`, true],
  ["src/store/snapshot.ts", `await Deno.open("a");`, false],
  ["src/store/read/reader.ts", "performance.now();", false],
  ["src/store/worker_threads.ts", `new Worker("a.ts", { type: "module" });`, true],
  ["src/store/apply/writer.ts", `new Worker("a.ts", { type: "module" });`, false],
  ["src/store/a.ts", "await Deno.connect({ port: 1 });", false],
  ["src/store/a.ts", `new Deno.Command("cc");`, false],
  ["src/raft_log/a.ts", `await Deno.open("a");`, false],
  ["src/raft_log/a.ts", `await globalThis.Deno.open("a");`, false],
  ["src/transport/a.ts", "await Deno.connect({ port: 1 });", false],
  ["src/transport/a.ts", "setTimeout(() => {}, 1);", false],
  ["src/node/a.ts", "Date.now();", false],
  ["src/node/a.ts", "performance.now();", false],
  ["src/node/a.ts", "Math.random();", false],
  ["src/node/a.ts", "AbortSignal.timeout(1);", false],
  ["src/node/a.ts", "a instanceof Deno.errors.NotFound;", true],
  ["src/cluster/a.ts", "a.setTimeout();", true],
  ["src/raft/a.ts", "console.log(1);", false],
  ["src/cli/a.ts", "console.error(1);", false],
  ["tests/a.ts", "console.log(1);", true],
  ["tests/a.ts", "Deno.dlopen(a, {}); Date.now();", true],
];

for (const [filename, source, allowed] of outside) {
  Deno.test(`outside-world ${allowed ? "allows" : "refuses"} ${source} in ${filename}`, () => {
    assert.deepEqual(broken(filename, source), allowed ? [] : [outsideWorld]);
  });
}
