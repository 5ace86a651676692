import { FlagError } from "./flag_error.ts";

/** What Go's strconv.ParseBool takes; throws a RangeError. */
export function parseSwitch(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new RangeError("not true or false");
}

/**
 * Settles the switches among flags with two dashes, for parseArgs of node:util knows neither
 * `--name=true` nor `--name=false`: the last of several counts, and one that is off goes. Throws a
 * FlagError.
 */
export function settleSwitches(
  args: readonly string[],
  isSwitch: (name: string) => boolean,
): string[] {
  const settled = new Map<string, boolean>();
  const others = args.filter((arg) => {
    const [, name = "", text = "true"] = /^--([^=]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (!isSwitch(name)) return true;
    settled.set(name, valueOf(name, text));
    return false;
  });
  const on = [...settled].filter(([, isOn]) => isOn).map(([name]) => `--${name}`);
  return [...on, ...others];
}

function valueOf(name: string, text: string): boolean {
  try {
    return parseSwitch(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const value = JSON.stringify(text);
    throw new FlagError(2, `Invalid value ${value} for flag -${name}: ${error.message}`);
  }
}
