import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { MachineShop } from "../chaos/faulty_machine.ts";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";

const child = fileURLToPath(new URL("./full_exchange_child.ts", import.meta.url));

/** What a store says whose database is exchanged without room; undefined where no disk can be made so. */
async function exchange(directory: string, ending: "waited for" | "closed") {
  const shop = await MachineShop.open(directory);
  if (typeof shop === "string") {
    console.error(`Not tested, for no disk can be made to be full here: ${shop}`);
    return undefined;
  }
  const data = `${directory}/data`;
  await Deno.mkdir(data);
  const { environment } = shop.make(data);
  const control = environment["RAFTLITE_CHAOS_CONTROL"] ?? "";
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", child, control, data, ending],
    env: environment,
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly waited: boolean;
    readonly outcome: string;
    readonly integrity: string;
    readonly lines: readonly string[];
  };
}

testWith(
  "cc",
  "an exchange of the database waits for room on the disk, and is done then",
  () =>
    withDirectory(async (directory) => {
      const said = await exchange(directory, "waited for");
      if (said === undefined) return;
      assert.ok(said.waited, said.outcome);
      assert.equal(said.outcome, "installed 21");
      assert.match(said.integrity, /"ok"/);
      assert.match(said.lines.join("\n"), /No room for database .*\n.*The disk has room again/);
    }),
);

testWith(
  "cc",
  "a store that is closed while its exchange waits for room ends",
  () =>
    withDirectory(async (directory) => {
      const said = await exchange(directory, "closed");
      if (said === undefined) return;
      assert.ok(said.waited, said.outcome);
      assert.match(said.outcome, /closed, without room to exchange database/);
    }),
);
