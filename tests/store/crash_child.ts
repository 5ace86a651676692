import { Prng } from "../../src/base/prng.ts";
import { TestStore } from "./fixture.ts";
import { entriesOf, requestsOf } from "./random_entries.ts";

/** Applies the entries of a seed from where the directory's store stands, saying how far it is, and backs up, until it is killed. */
const [directory = "", seed = "0", count = "0"] = Deno.args;
const store = await TestStore.open({ directory, foreignKeys: true });
const entries = entriesOf(requestsOf(new Prng(BigInt(seed)), Number(count)), "keyed");
const random = new Prng(BigInt(Deno.pid));
const output = new TextEncoder();
/** A copy is held most of the time: whatever is for it, the next start finds nothing of it. */
async function* copies(): AsyncGenerator<void> {
  for (;;) {
    const { body } = await store.store.backup({ format: "binary", vacuum: false, tables: [] });
    yield;
    for await (const _ of body);
  }
}
const held = copies();
for (let at = store.store.applied.index; at < entries.length;) {
  const size = 1 + random.below(12);
  await store.apply(...entries.slice(at, at + size));
  at += size;
  if (random.below(5) === 0) await held.next();
  Deno.stdout.writeSync(output.encode(`${store.store.applied.index}\n`));
}
Deno.stdout.writeSync(output.encode("end\n"));
await new Promise((resolve) => setTimeout(resolve, 60_000));
