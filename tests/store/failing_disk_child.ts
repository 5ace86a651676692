import { Database, openLibrary } from "../../src/sqlite/mod.ts";
import { library, TestStore } from "./fixture.ts";

/**
 * A store that writes and checkpoints until a sync of the file whose path ends as the first argument
 * says fails; the second says whose sync it is to be, the third what fails of it. Prints, as JSON, what
 * it then says.
 */
const [end = "", whose = "", what = ""] = Deno.args;
/** Small ones are written by the main thread. */
const values: Readonly<Record<string, string>> = {
  background: "zeroblob(20000)",
  large: "zeroblob(10000000)",
  compaction: "1",
  "main thread": "1",
};
const disk = Deno.env.get("RAFTLITE_TEST_DISK") ?? "";
const control = `${disk}/${what}`;

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
if (whose === "main thread") {
  // What a stranger's program does that opens the file: the next commit begins the WAL anew, and syncs.
  using other = new Database(s.path, { library: openLibrary(library) });
  other.scalar("SELECT count(*) FROM sqlite_schema");
  other.checkpoint("passive");
}
Deno.writeTextFileSync(`${control}.new`, end);
Deno.renameSync(`${control}.new`, control);
let last = "done";
// What is written out is large: were it not, the disk would fill.
for (let tries = 0; !failed() && last === "done" && (whose !== "large" || tries < 4); tries++) {
  last = await outcome(s.execute([`INSERT INTO t VALUES (${values[whose]})`]));
  const isCompaction = whose === "compaction" || whose === "large";
  if (isCompaction && last === "done") last = await outcome(s.store.checkpoint());
}
// What has to come comes now; a store that goes on would do so for ever.
const { promise: waited, resolve: giveUp } = Promise.withResolvers<void>();
const patience = setTimeout(giveUp, failed() ? 120_000 : 0);
const storeFailed = await outcome(Promise.race([s.store.failed, waited]));
clearTimeout(patience);
const checkpoint = await outcome(s.store.checkpoint());
const write = await outcome(s.execute(["INSERT INTO t VALUES (2)"]));
const status = await outcome(s.store.status());
await s.store.close();
console.log(JSON.stringify({ storeFailed, checkpoint, write, status, lines }));
await Deno.remove(s.directory, { recursive: true });
