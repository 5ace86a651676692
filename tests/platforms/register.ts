import type { ForeignDeno } from "../cluster/harness.ts";
import { runMixedCluster } from "./mixed_cluster.ts";
import { runRooms } from "./rooms.ts";

/** What is tested on another system: under a Deno for it, or left out for a reason. */
export function testOn(
  deno: ForeignDeno | string,
  names: { readonly rooms: string; readonly cluster: string },
): void {
  const tests = [[names.rooms, runRooms], [names.cluster, runMixedCluster]] as const;
  for (const [name, run] of tests) {
    if (typeof deno !== "string") Deno.test(name, () => run(deno));
    else Deno.test({ name: `${name} (left out: ${deno})`, ignore: true, fn: () => {} });
  }
}
