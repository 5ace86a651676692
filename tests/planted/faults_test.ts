import { strict as assert } from "node:assert";
import { faults } from "./faults.ts";
import { plant } from "./plant.ts";

Deno.test("every planted fault has its place in the program, and a name of its own", async () => {
  assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length);
  for (const fault of faults) {
    const text = await Deno.readTextFile(new URL(`../../${fault.file}`, import.meta.url));
    assert.notEqual(plant(text, fault), text, fault.name);
  }
});
