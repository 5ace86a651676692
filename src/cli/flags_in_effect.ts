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

/**
 * A flag's text without what somebody may have written into it: the password and the query of a URL,
 * and settings in JSON (-disco-config), which may hold any. Files that hold secrets stand by their
 * names.
 */
export function withoutSecrets(text: string): string {
  if (/^\s*[{[]/.test(text)) return "{…}";
  return text.replace(/(:\/\/)[^\s/]*@/g, "$1…@").replace(/(:\/\/[^\s?]*)\?.*$/, "$1?…");
}
