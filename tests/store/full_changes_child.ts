import { FaultyMachine } from "../chaos/faulty_machine.ts";
import { TestStore } from "./fixture.ts";

/**
 * A store with a record of changes whose disk becomes full in the middle of writing an entry, after
 * so many more writes each time. Prints which entries its record tells of, for each of their changes.
 */
const [control = "", directory = ""] = Deno.args;
const machine = new FaultyMachine(control, {});
const s = await TestStore.open({ directory, changesBytes: 1024 * 1024 });
await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
const { failed } = s.store;
let waits = 0;
for (let writes = 1; writes <= 12; writes++) {
  machine.set("full", writes);
  const written = s.execute(["INSERT INTO t (v) VALUES (1)"]);
  for (let isOver = false; !isOver;) {
    const ended = written.then(() => "ended");
    const tick = new Promise((go) => setTimeout(go, 5));
    isOver = await Promise.race([ended, failed, tick]) === "ended" || s.store.full !== undefined;
  }
  if (s.store.full !== undefined) waits++;
  machine.set("full", 0);
  await Promise.race([written, failed]);
}
const { groups = [] } = s.store.changes?.read({ index: 1, change: 0 }, 1e9) ?? {};
const told = groups.flatMap(({ index, changes }) => changes.map(() => index));
const rows = await s.query("SELECT count(*) FROM t");
console.log(JSON.stringify({ told, rows, waits }));
Deno.exit();
