import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { parseAddress } from "../../src/io/deno_network.ts";

Deno.test({
  name: 'DenoDisk says "full" and the path when there is no space',
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const file = await new DenoDisk().open("/dev/full", { create: false });
    await assert.rejects(file.write(0, new Uint8Array(10)), {
      name: "DiskError",
      kind: "full",
      path: "/dev/full",
      message: /No space left/,
    });
    file.close();
  },
});

Deno.test("parseAddress() takes host:port, [v6]:port and :port, and nothing else", () => {
  assert.deepEqual(parseAddress("localhost:4002"), { hostname: "localhost", port: 4002 });
  assert.deepEqual(parseAddress("[::1]:1"), { hostname: "::1", port: 1 });
  assert.deepEqual(parseAddress(":0"), { hostname: "0.0.0.0", port: 0 });
  for (const wrong of ["localhost", "a:b", "a:99999", "::1:80", ""]) {
    assert.throws(() => parseAddress(wrong), /not of the form host:port/);
  }
});
