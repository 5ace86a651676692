import assert from "node:assert/strict";
import { readFlags } from "../../src/cli/flag_values.ts";
import { flagsInEffect, withoutSecrets } from "../../src/cli/flags_in_effect.ts";

Deno.test("flagsInEffect() says of each flag its value and where it comes from", () => {
  const flags = flagsInEffect(readFlags(["-node-id", "a", "data"], { RAFTLITE_FK: "true" }));
  const of = (wanted: string) => {
    const { value, source } = flags.find(({ name }) => name === wanted) ?? {};
    return [value, source];
  };
  assert.deepEqual(of("node-id"), ["a", "command line"]);
  assert.deepEqual(of("fk"), ["true", "RAFTLITE_FK"]);
  assert.deepEqual(of("http-addr"), ["127.0.0.1:4001", "default"]);
});

Deno.test("withoutSecrets() leaves no password, token or settings in a flag's text", () => {
  assert.equal(withoutSecrets("https://u:p@ss@host/path?token=t#f"), "https://…@host/path?…");
  assert.equal(withoutSecrets('{"password": "p"}'), "{…}");
  for (const plain of ["", "/etc/raftlite/users.json", "10.0.0.1:4002,10.0.0.2:4002", "10s"]) {
    assert.equal(withoutSecrets(plain), plain);
  }
});
