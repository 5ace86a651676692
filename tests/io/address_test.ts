import assert from "node:assert/strict";
import { formatAddress, parseAddress } from "../../src/io/address.ts";

Deno.test("parseAddress() takes host:port, [v6]:port and :port, and nothing else", () => {
  assert.deepEqual(parseAddress("localhost:4002"), { host: "localhost", port: 4002 });
  assert.deepEqual(parseAddress("[::1]:1"), { host: "::1", port: 1 });
  assert.deepEqual(parseAddress(":0"), { host: "", port: 0 });
  for (const wrong of ["localhost", "a:b", "a:99999", "::1:80", "", "http://a:1", "a b:1"]) {
    assert.throws(() => parseAddress(wrong), { name: "AddressError" });
  }
});

Deno.test("formatAddress writes what parseAddress reads", () => {
  for (const text of ["node1:4001", "127.0.0.1:1", "[::1]:4002", ":4001"]) {
    assert.equal(formatAddress(parseAddress(text)), text);
  }
});
