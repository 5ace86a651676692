import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";

const child = `
  const { useTemporaryDirectory } = await import(Deno.args[1]);
  useTemporaryDirectory(Deno.args[0]);
  const { Database, findLibrary, openLibrary } = await import(Deno.args[2]);
  const database = new Database(":memory:", { library: openLibrary(await findLibrary()) });
  database.exec("PRAGMA temp_store = FILE; PRAGMA cache_size = 10; CREATE TEMP TABLE t (v)");
  database.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) " +
    "INSERT INTO t SELECT zeroblob(1000) FROM n");
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try { console.log(Deno.readLinkSync("/proc/self/fd/" + name)); } catch { /* Closed by now. */ }
  }
`;

const url = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;

async function filesOf(directory: string, env: Record<string, string>): Promise<string> {
  const script = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(script, child);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "-A",
          "--quiet",
          "--config",
          fileURLToPath(new URL("../../deno.json", import.meta.url)),
        ],
        ...[script, directory, url("io/temporary_directory.ts"), url("sqlite/mod.ts")],
      ],
      env,
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(script);
  }
}

Deno.test({
  name:
    "useTemporaryDirectory has SQLite put its temporary files there, unless the environment says where",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const [ours, theirs] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
    try {
      assert.ok((await filesOf(ours, {})).includes(`${ours}/etilqs_`));
      const named = await filesOf(ours, { SQLITE_TMPDIR: theirs });
      assert.ok(named.includes(`${theirs}/etilqs_`));
      assert.ok(!named.includes(`${ours}/`));
    } finally {
      for (const directory of [ours, theirs]) await Deno.remove(directory, { recursive: true });
    }
  },
});
