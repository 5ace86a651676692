import assert from "node:assert/strict";
import { byImmediate, byMessage } from "../../src/io/loop_turn.ts";

const turnsMax = 10_000;
const ways = [["setImmediate", byImmediate], ["a message", byMessage()]] as const;

for (const [name, inNextTurn] of ways) {
  Deno.test(`the next turn by ${name}: behind microtasks, in order, once each`, async () => {
    const seen: string[] = [];
    const both = Promise.withResolvers<void>();
    inNextTurn(() => seen.push("first"));
    inNextTurn(() => {
      seen.push("second");
      inNextTurn(() => {
        seen.push("one turn later");
        both.resolve();
      });
    });
    for (let step = 0; step < 10; step++) await undefined;
    seen.push("microtask");
    await both.promise;
    assert.deepEqual(seen, ["microtask", "first", "second", "one turn later"]);
  });

  Deno.test(`the next turn by ${name}: what was cancelled does not come`, async () => {
    const seen: string[] = [];
    const done = Promise.withResolvers<void>();
    inNextTurn(() => seen.push("cancelled at once")).cancel();
    const later = { cancel: () => {} };
    inNextTurn(() => {
      seen.push("kept");
      later.cancel();
    });
    later.cancel = inNextTurn(() => seen.push("cancelled in its turn")).cancel;
    inNextTurn(() => done.resolve());
    await done.promise;
    assert.deepEqual(seen, ["kept"]);
  });

  Deno.test(`the next turn by ${name}: what others send is read meanwhile`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using server = await listener.accept();
    let read: number | null | undefined;
    const reading = server.read(new Uint8Array(1)).then((count) => read = count);
    await client.write(new Uint8Array(1));
    const { promise, resolve } = Promise.withResolvers<void>();
    let turns = 0;
    const again = () => {
      // Were there no turn of the event loop in it, nothing would ever be read.
      if (read !== undefined || ++turns === turnsMax) resolve();
      else inNextTurn(again);
    };
    inNextTurn(again);
    await promise;
    assert.equal(read, 1, `Nothing was read in ${turns} turns`);
    await reading;
  });
}

Deno.test("a program ends whose last thing was a turn of its event loop", async () => {
  const source = new URL("../../src/io/loop_turn.ts", import.meta.url).href;
  const program = `import { byMessage } from ${JSON.stringify(source)};
    byMessage()(() => console.log("its turn came"));`;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
  }).output();
  assert.ok(success);
  assert.equal(new TextDecoder().decode(stdout).trim(), "its turn came");
});
