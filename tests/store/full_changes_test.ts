import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { MachineShop } from "../chaos/faulty_machine.ts";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";

const child = fileURLToPath(new URL("./full_changes_child.ts", import.meta.url));

testWith(
  "cc",
  "changes are told once though the disk becomes full at any write of an entry",
  () =>
    withDirectory(async (directory) => {
      const shop = await MachineShop.open(directory);
      if (typeof shop === "string") {
        console.error(`Not tested, for no disk can be made to be full here: ${shop}`);
        return;
      }
      const data = `${directory}/data`;
      await Deno.mkdir(data);
      const { environment } = shop.make(data);
      const control = environment["RAFTLITE_CHAOS_CONTROL"] ?? "";
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", child, control, data],
        env: environment,
        stdin: "null",
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      const { told, rows, waits } = JSON.parse(new TextDecoder().decode(stdout));
      assert.match(rows, /\[\[12\]\]/);
      // The first entry made the table.
      assert.deepEqual(told, Array.from({ length: 13 }, (_, entry) => entry + 1));
      assert.ok(waits > 2, `It waited for room ${waits} times only`);
    }),
);
