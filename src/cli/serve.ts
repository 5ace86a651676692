import { FlagError } from "./flag_error.ts";
import type { Configuration } from "./flags.ts";

/** Runs a node until it is told to stop; resolves with the exit code. */
export function serve(
  _configuration: Configuration,
  _warnings: readonly string[],
): Promise<number> {
  throw new FlagError(1, "The server is not wired up yet");
}
