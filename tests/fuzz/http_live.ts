/**
 * Has Schemathesis, a fuzzer driven by the OpenAPI description, ask a live node: `deno task
 * test:fuzz-http [--examples N] [--seed S]`. Left out and not counted where there is no Python.
 * Fails on answers that the description does not have and on server errors. Ends with
 * `N passed, N failed`, counted in routes.
 */
import { fileURLToPath } from "node:url";
import { commandLine } from "../../tools/command_line.ts";
import { print } from "../../src/cli/output.ts";
import { Cluster, type NodeProcess } from "../cluster/harness.ts";
import { fetching } from "../fetching.ts";
import { sqlTexts } from "./http_sql.ts";

const schemathesis = "schemathesis==4.32.5";
const config = fileURLToPath(new URL("http_schemathesis.toml", import.meta.url));
const phases = "examples,coverage,fuzzing";

/** A description of an API, as far as it is changed here. */
interface Description {
  components: { schemas: Record<string, object> };
}

/** Runs a command with its output shown; false when it cannot be run or fails. */
async function succeeds(command: string, args: readonly string[], cwd: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: [...args], cwd, stdin: "null" })
      .spawn().status;
    return success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

/** Whether Schemathesis can be installed: Debian has Python without venv and pip, too. */
async function hasPython(): Promise<boolean> {
  return await succeeds("python3", ["-c", "import ensurepip, venv"], ".");
}

/** The node's own description, with SQL among its examples of SQL. */
async function writeDescription(node: NodeProcess, path: string): Promise<void> {
  const description: Description = JSON.parse((await node.fetch("/openapi.json")).body);
  const { schemas } = description.components;
  schemas.Sql = { anyOf: [{ enum: sqlTexts }, { type: "string" }] };
  schemas.Statements = { ...schemas.Statements, examples: [] };
  await Deno.writeTextFile(path, JSON.stringify(description));
}

/** What the report of a run counts. */
async function readCounts(path: string): Promise<{ passed: number; failed: number } | undefined> {
  const text = await Deno.readTextFile(path).catch(() => "");
  const head = /<testsuites [^>]*>/.exec(text)?.[0] ?? "";
  const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1]);
  const failed = count("failures") + count("errors");
  const passed = count("tests") - count("skipped") - failed;
  return Number.isNaN(passed) || passed <= 0 ? undefined : { passed, failed };
}

async function fuzz(examples: string, seed: string): Promise<{ passed: number; failed: number }> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-fuzz-http-" });
  try {
    const python = `${directory}/venv/bin/python`;
    const installed = await succeeds("python3", ["-m", "venv", "venv"], directory) &&
      await fetching(
        () => succeeds(python, ["-m", "pip", "install", "--quiet", schemathesis], directory),
        (isThere) => isThere,
      );
    if (!installed) {
      print("Schemathesis cannot be installed\n");
      return { passed: 0, failed: 1 };
    }
    await using cluster = await Cluster.start({ size: 1 });
    const node = await cluster.leader();
    const description = `${directory}/openapi.json`;
    const report = `${directory}/report.xml`;
    await writeDescription(node, description);
    const ok = await succeeds(`${directory}/venv/bin/schemathesis`, [
      ...["--config-file", config, "run", description, "--url", node.url, "--phases", phases],
      ...["--max-examples", examples, "--seed", seed, "--report-junit-path", report],
    ], directory);
    const { passed, failed } = await readCounts(report) ?? { passed: 0, failed: 1 };
    // Still alive, and with the database that all of this has left.
    await node.execute(["CREATE TABLE IF NOT EXISTS survivors (id INTEGER PRIMARY KEY)"]);
    return { passed, failed: ok ? failed : Math.max(failed, 1) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const usage = `Usage: deno task test:fuzz-http [--examples N] [--seed N]

Sends each operation of the HTTP API's description some requests (40, --examples) that a fuzzer draws
from a seed, to a node of its own. Needs Python.`;

if (import.meta.main) {
  const { values } = commandLine(usage, {
    options: {
      examples: { type: "string", default: "40" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    },
  });
  const present = await hasPython();
  print(present ? `Seed ${values.seed}\n` : "Left out, as there is no python3 with venv and pip\n");
  const { passed, failed } = present
    ? await fuzz(values.examples, values.seed)
    : { passed: 0, failed: 0 };
  print(`${passed} passed, ${failed} failed\n`);
  if (failed > 0) Deno.exitCode = 1;
}
