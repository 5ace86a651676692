import assert from "node:assert/strict";
import { readFlags } from "../../src/cli/flag_values.ts";
import { flagsInEffect } from "../../src/cli/flags_in_effect.ts";

Deno.test("flagsInEffect() says of each flag its value and where it comes from", () => {
  const hook = "https://hooks.example/services/T0/B0/token";
  const flags = flagsInEffect(
    readFlags(["-node-id", "a", "-cdc-config", hook, "data"], { RAFTLITE_FK: "true" }),
  );
  const of = (wanted: string) => {
    const { value, source } = flags.find(({ name }) => name === wanted) ?? {};
    return [value, source];
  };
  assert.deepEqual(of("node-id"), ["a", "command line"]);
  assert.deepEqual(of("cdc-config"), ["https://hooks.example/…", "command line"]);
  assert.deepEqual(of("fk"), ["true", "RAFTLITE_FK"]);
  assert.deepEqual(of("http-addr"), ["127.0.0.1:4001", "default"]);
});
