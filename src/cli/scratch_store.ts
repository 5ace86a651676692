import { DenoClock } from "../io/deno_clock.ts";
import { type EngineOptions, openers } from "../member/openers.ts";
import type { Store } from "../store/types.ts";

/** A store in which a database is made that is no node's. */
export async function openScratchStore(
  parts: Pick<EngineOptions, "disk" | "logger" | "directory" | "extensions">,
): Promise<Store> {
  const { store } = await openers.engine.open({ ...parts, clock: new DenoClock() });
  return store;
}
