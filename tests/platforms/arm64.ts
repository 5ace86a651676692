/**
 * What of this runs on arm64, by qemu's emulation: `deno task test:arm64`. It takes minutes.
 */

import { arm64Deno } from "./foreign_deno.ts";
import { testOn } from "./register.ts";

testOn(await arm64Deno(), {
  rooms: "the lower rooms hold on arm64",
  cluster: "nodes on x86-64 and arm64 are one cluster with one database",
});
