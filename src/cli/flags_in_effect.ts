import { withoutSecrets } from "../base/without_secrets.ts";
import type { FlagInEffect } from "../http/types.ts";
import type { FlagSpec } from "./flag_spec.ts";
import { flagTable } from "./flag_table.ts";
import type { CommandLine } from "./flag_values.ts";

/** All flags as they count, each with where it comes from; without what may be secret in them. */
export function flagsInEffect(
  { texts, elsewhere }: Pick<CommandLine, "texts" | "elsewhere">,
): readonly FlagInEffect[] {
  const given: ReadonlyMap<string, string> = texts;
  return Object.entries<FlagSpec>(flagTable).map(([name, spec]) => {
    const text = given.get(name);
    return {
      name,
      group: spec.group,
      value: withoutSecrets(text ?? spec.default),
      default: spec.default,
      source: text === undefined ? "default" : elsewhere.get(name) ?? "command line",
      help: spec.help,
    };
  });
}
