import { FaultyMachine } from "../chaos/faulty_machine.ts";
import { TestStore } from "./fixture.ts";

/**
 * A store whose database is exchanged for a snapshot while its disk has no room. Prints what it says
 * of it: the positions before and after, and whether it waited.
 */
const [control = "", directory = "", ending = ""] = Deno.args;
const machine = new FaultyMachine(control, {});
const source = await TestStore.open();
await source.execute(["CREATE TABLE t (v)"]);
for (let i = 0; i < 20; i++) await source.execute(["INSERT INTO t VALUES ('new')"]);
const snapshot = await source.store.openSnapshot();
const lines: string[] = [];
const logger = {
  log: (level: string, _: string, message: string) => void lines.push(`${level} ${message}`),
};
const changesBytes = 1024 * 1024;
const target = await TestStore.open({ directory, logger, changesBytes });
await target.execute(["CREATE TABLE other (v)"]);
// In the WAL, and not in the database's file.
for (let i = 0; i < 20; i++) await target.execute(["INSERT INTO other VALUES (zeroblob(9000))"]);
const failed = target.store.failed.catch((error) => `failed: ${error.message}`);
const installed = target.store.installSnapshot(snapshot.body, () => {
  machine.set("full", 1);
  return Promise.resolve();
}).then(({ index }) => `installed ${index}`, (error) => `refused: ${error.message}`);
while (target.store.full === undefined) {
  const ended = await Promise.race([failed, installed, new Promise((go) => setTimeout(go, 10))]);
  if (ended !== undefined) break;
}
const waited = target.store.full !== undefined;
if (ending === "closed") await target.store.close();
machine.set("full", 0);
const outcome = await Promise.race([installed, failed]);
const integrity = ending === "closed" ? "" : await target.query("PRAGMA integrity_check");
console.log(JSON.stringify({ waited, outcome, integrity, lines }));
Deno.exit();
