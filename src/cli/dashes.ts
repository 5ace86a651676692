import { FlagError } from "./flag_error.ts";

/**
 * Rewrites every flag, written with one dash or two, as `--name` or `--name=value`: the one form in
 * which parseArgs of node:util cannot misread it. `takesValue` says whether the argument after a
 * flag belongs to it, and throws for a flag that it does not know. Throws a FlagError.
 */
export function withTwoDashes(
  args: readonly string[],
  takesValue: (name: string) => boolean,
): string[] {
  const rewritten: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") return [...rewritten, ...args.slice(i)];
    const match = /^--?([^-=][^=]*)(=[^]*)?$/.exec(arg);
    if (match === null) {
      if (arg.startsWith("-") && arg !== "-") throw new FlagError(2, `Bad flag syntax: ${arg}`);
      rewritten.push(arg);
      continue;
    }
    const name = match[1] === "h" ? "help" : match[1] ?? "";
    let value = match[2];
    if (takesValue(name) && value === undefined) {
      i++;
      if (i === args.length) throw new FlagError(2, `Flag needs a value: -${name}`);
      value = `=${args[i]}`;
    }
    rewritten.push(`--${name}${value ?? ""}`);
  }
  return rewritten;
}
