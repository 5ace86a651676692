import { FlagError } from "./flag_error.ts";
import type { FlagValues } from "./flag_values.ts";

/** What the flags say of SQLite's extensions. */
export interface ExtensionFlags {
  readonly paths: readonly string[];
  /** Functions that the operator vouches for, in lower case, each once, in order. */
  readonly safe: readonly string[];
}

/** All nodes tell each other of them: at most, in characters. */
const safeCharactersMax = 2_000;

/** Throws a FlagError unless the flags fit together. */
export function extensionsOf(
  values: Pick<FlagValues, "extensions-path" | "extensions-safe">,
): ExtensionFlags {
  const paths = values["extensions-path"].split(",").filter((path) => path !== "");
  const names = values["extensions-safe"].split(",").map((name) => name.trim().toLowerCase());
  const safe = [...new Set(names.filter((name) => name !== ""))].toSorted();
  if (safe.length > 0 && paths.length === 0) {
    throw new FlagError(1, "-extensions-safe needs -extensions-path, which has the functions");
  }
  if (safe.join(",").length > safeCharactersMax) {
    throw new FlagError(1, `-extensions-safe is over ${safeCharactersMax} characters long`);
  }
  return { paths, safe };
}
