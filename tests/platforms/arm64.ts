/**
 * What of this runs on arm64, by qemu's emulation: `deno task test:arm64`. It takes minutes.
 */

import { arm64Deno } from "./foreign_deno.ts";
import { runMixedCluster } from "./mixed_cluster.ts";
import { testOn } from "./register.ts";

testOn(await arm64Deno(), "arm64", [
  ["nodes on x86-64 and arm64 are one cluster with one database", runMixedCluster],
]);
