import { Prng } from "../../src/base/prng.ts";
import { TestStore } from "./fixture.ts";
import { entriesOf, requestsOf } from "./random_entries.ts";

/** Applies the entries of a seed from where the directory's store stands, saying how far it is, until it is killed. */
const [directory = "", seed = "0", count = "0"] = Deno.args;
const store = await TestStore.open({ directory, foreignKeys: true });
const entries = entriesOf(requestsOf(new Prng(BigInt(seed)), Number(count)), "keyed");
const random = new Prng(BigInt(Deno.pid));
const output = new TextEncoder();
for (let at = store.store.applied.index; at < entries.length;) {
  const size = 1 + random.below(12);
  await store.apply(...entries.slice(at, at + size));
  at += size;
  Deno.stdout.writeSync(output.encode(`${store.store.applied.index}\n`));
}
Deno.stdout.writeSync(output.encode("end\n"));
await new Promise((resolve) => setTimeout(resolve, 60_000));
