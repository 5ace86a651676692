/**
 * What of this runs on arm64, by qemu's emulation: `deno task test:arm64`. It takes minutes.
 */

import type { ForeignDeno } from "../cluster/harness.ts";
import { arm64Deno } from "./foreign_deno.ts";
import { runMixedCluster } from "./mixed_cluster.ts";
import { runRooms } from "./rooms.ts";

const deno = await arm64Deno();
const tests = {
  "the lower rooms hold on arm64": runRooms,
  "nodes on x86-64 and arm64 are one cluster with one database": (arm64: ForeignDeno) =>
    runMixedCluster(arm64, {
      writes: 15,
      seed: BigInt(Deno.env.get("RAFTLITE_SEED") ?? Date.now()),
    }),
};

for (const [name, run] of Object.entries(tests)) {
  if (typeof deno !== "string") Deno.test(name, () => run(deno));
  else Deno.test({ name: `${name} (left out: ${deno})`, ignore: true, fn: () => {} });
}
