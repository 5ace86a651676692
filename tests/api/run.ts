/**
 * Replays the tables against running servers and prints what they answered otherwise:
 * `deno run -A tests/api/run.ts [--target=rqlite] [--single] URL…`. Status 1 when anything did.
 */
import { replay, type Target } from "./replay.ts";
import { singleNodeTables, tables } from "./tables.ts";

const target: Target = Deno.args.includes("--target=rqlite") ? "rqlite" : "raftlite";
const subjects = Deno.args.includes("--single") ? { ...tables, ...singleNodeTables } : tables;
let failed = 0;
for (const url of Deno.args.filter((argument) => !argument.startsWith("--"))) {
  for (const [subject, steps] of Object.entries(subjects)) {
    const failures = await replay(steps, (path, init) => fetch(url + path, init), target);
    failed += failures.length;
    console.log(`${url} ${subject}: ${steps.length} steps, ${failures.length} failures`);
    for (const failure of failures) console.log(failure);
  }
}
if (failed > 0) Deno.exit(1);
