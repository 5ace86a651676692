import { TestStore } from "./fixture.ts";

/**
 * A store that writes and checkpoints until a sync of the file whose path ends as the first argument
 * says fails; the second says whose checkpoint it is to be. Prints, as JSON, what it then says.
 */
const [end = "", whose] = Deno.args;
const disk = Deno.env.get("RAFTLITE_TEST_DISK") ?? "";
const control = `${disk}/sync-fails`;

function failed(): boolean {
  try {
    Deno.statSync(control);
    return false;
  } catch {
    return true;
  }
}

/** What came of it: "done", or the error's text. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const lines: string[] = [];
const logger = {
  log: (level: string, _: string, message: string) => void lines.push(`${level} ${message}`),
};
const s = await TestStore.open({ logger, limits: { walBytes: 256 * 1024 } });
await s.execute(["CREATE TABLE t (v)"]);
await s.store.checkpoint();
// Begins the WAL anew, which takes a sync that is the writer's own.
await s.execute(["INSERT INTO t VALUES (0)"]);
Deno.writeTextFileSync(`${control}.new`, end);
Deno.renameSync(`${control}.new`, control);
let last = "done";
while (!failed() && last === "done") {
  last = whose === "background"
    ? await outcome(s.execute(["INSERT INTO t VALUES (zeroblob(20000))"]))
    : await outcome(s.execute(["INSERT INTO t VALUES (1)"]).then(() => s.store.checkpoint()));
}
// What has to come comes now; a store that goes on would do so for ever.
const storeFailed = await outcome(
  Promise.race([s.store.failed, new Promise((resolve) => setTimeout(resolve, 5_000))]),
);
const checkpoint = await outcome(s.store.checkpoint());
const write = await outcome(s.execute(["INSERT INTO t VALUES (2)"]));
const status = await outcome(s.store.status());
await s.store.close();
console.log(JSON.stringify({ storeFailed, checkpoint, write, status, lines }));
await Deno.remove(s.directory, { recursive: true });
