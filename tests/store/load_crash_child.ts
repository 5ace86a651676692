import { DenoDisk } from "../../src/io/deno_disk.ts";
import { sqliteFile, TestStore } from "./fixture.ts";

/** Of the file that is loaded. */
export const loadedSql = "CREATE TABLE loaded (v); INSERT INTO loaded VALUES ('x')";

/** A disk on which what was the database is never gone. */
class SlowDisk extends DenoDisk {
  override remove(path: string): Promise<void> {
    return path.includes(".tmp-replaced-") ? new Promise(() => {}) : super.remove(path);
  }
}

/** Loads a file up to a moment, says so, and waits to be killed. */
async function main(directory: string, moment: string): Promise<void> {
  const s = await TestStore.open({ directory, disk: new SlowDisk() });
  await s.execute(["CREATE TABLE kept (v)"]);
  const [piece, end] = s.entries.load(await sqliteFile(loadedSql));
  if (piece === undefined || end === undefined) throw new Error("A load has two entries");
  await s.apply(piece);
  await s.store.loadPrepared();
  if (moment === "exchanged") {
    await s.apply(end, s.entries.execute(["INSERT INTO loaded VALUES ('behind')"]));
    await s.store.checkpoint();
  }
  Deno.stdout.writeSync(new TextEncoder().encode(`${moment}\n`));
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

if (import.meta.main) {
  const [directory = "", moment = ""] = Deno.args;
  await main(directory, moment);
}
