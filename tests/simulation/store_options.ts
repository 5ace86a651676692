import { newestVersion } from "../../src/raft/cluster_version.ts";
import type { RunOptions } from "./simulation.ts";

/** What the nodes of a simulation have for a store. */
export const storeNames = ["toy", "sqlite"] as const;

export type StoreName = typeof storeNames[number];

/** The options of a run with that store; SQLite is looked for only where it is asked for. */
export async function optionsFor(store: StoreName): Promise<RunOptions> {
  if (store === "toy") return {};
  const { sqliteStores } = await import("./sqlite_home.ts");
  return {
    stores: sqliteStores,
    // Upkeep needs it.
    version: newestVersion,
    adjust: (plan) => ({ ...plan, voters: 3, learners: 0 }),
  };
}
