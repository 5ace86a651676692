/**
 * What of this runs on Windows, by Wine: `deno task test:windows`. It takes minutes.
 */

import type { ForeignDeno } from "../cluster/harness.ts";
import { windowsDeno } from "./foreign_deno.ts";
import { runMixedCluster } from "./mixed_cluster.ts";
import { runRooms } from "./rooms.ts";

const prefix = await Deno.makeTempDir({ prefix: "raftlite-wine-" });
const deno = await windowsDeno(prefix);
const tests = {
  "the lower rooms hold on Windows": runRooms,
  "nodes on Linux and Windows are one cluster with one database": (windows: ForeignDeno) =>
    runMixedCluster(windows, {
      writes: 15,
      seed: BigInt(Deno.env.get("RAFTLITE_SEED") ?? Date.now()),
    }),
};

for (const [name, run] of Object.entries(tests)) {
  if (typeof deno !== "string") Deno.test(name, () => run(deno));
  else Deno.test({ name: `${name} (left out: ${deno})`, ignore: true, fn: () => {} });
}
addEventListener("unload", () => Deno.removeSync(prefix, { recursive: true }));
