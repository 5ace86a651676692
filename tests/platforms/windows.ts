/**
 * What of this runs on Windows, by Wine: `deno task test:windows`. It takes minutes.
 */

import { windowsDeno } from "./foreign_deno.ts";
import { runMixedCluster } from "./mixed_cluster.ts";
import { testOn } from "./register.ts";
import { runWindowsService } from "./windows_service.ts";

const prefix = await Deno.makeTempDir({ prefix: "raftlite-wine-" });
const deno = await windowsDeno(prefix);
testOn(deno, "Windows", [
  ["nodes on Linux and Windows are one cluster with one database", runMixedCluster],
  ["a node is a service of Windows", runWindowsService],
]);
/** Wine's server writes what it knows when its last program has ended: the folder fills meanwhile. */
function removePrefix(triesMax: number): void {
  try {
    Deno.removeSync(prefix, { recursive: true });
  } catch (error) {
    if (triesMax === 1) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    removePrefix(triesMax - 1);
  }
}

addEventListener("unload", () => removePrefix(300));
