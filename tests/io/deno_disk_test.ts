import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";

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
