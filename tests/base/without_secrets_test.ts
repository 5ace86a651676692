import assert from "node:assert/strict";
import { argumentWithoutSecrets, withoutSecrets } from "../../src/base/without_secrets.ts";

Deno.test("withoutSecrets() leaves of a URL its scheme and its hosts, and nothing of settings", () => {
  for (
    const [text, shown] of [
      ["https://u:p@ss@host:8443/path?token=t#f", "https://…@host:8443/…"],
      ["https://hooks.example/services/T0/B0/token", "https://hooks.example/…"],
      ["https://h?a=1,token=t", "https://h/…"],
      ["https://h/x#token", "https://h/…"],
      ["https://h/", "https://h/"],
      ["http://u:p@a:4001/x,http://b:4001", "http://…@a:4001/…,http://b:4001"],
      ["http://a/x,y/token,http://u@b/z", "http://a/…,http://…@b/…"],
      ["nats://a:4222,b:4222/x", "nats://a:4222,b:4222/…"],
      // The first may be a host, or a part of a password.
      ["nats://user:pass@a:4222,u:p@b:4222", "nats://…@b:4222"],
      ["https://u:pass,word@h/x", "https://…@h/…"],
      ["https://u:pass word@h/x", "https://…@h/…"],
      ["https://u:pass\tword@h", "https://…@h"],
      ["https://h\\token", "https://h/…"],
      ['{"password": "p"}', "{…}"],
    ] as const
  ) assert.equal(withoutSecrets(text), shown);
  for (const plain of ["", "/etc/raftlite/users.json", "10.0.0.1:4002,10.0.0.2:4002", "10s"]) {
    assert.equal(withoutSecrets(plain), plain);
  }
});

Deno.test("argumentWithoutSecrets() does so in what stands behind a flag, too", () => {
  assert.equal(argumentWithoutSecrets("-cdc-config=https://h/token"), "-cdc-config=https://h/…");
  assert.equal(argumentWithoutSecrets('-disco-config={"password":"p"}'), "-disco-config={…}");
  assert.equal(argumentWithoutSecrets("https://h/a=token"), "https://h/…");
  assert.equal(argumentWithoutSecrets("-node-id"), "-node-id");
});
