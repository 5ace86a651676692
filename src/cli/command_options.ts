import { parseArgs } from "node:util";
import { withTwoDashes } from "./dashes.ts";
import { FlagError } from "./flag_error.ts";
import { settleSwitches } from "./switches.ts";

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

/**
 * Reads the flags of a sub-command that has flags of its own, written as the server's are, with one
 * dash or two; `longNames` gives the long names of short ones. Throws a FlagError.
 */
export function parseOptions<const T extends Options>(
  args: readonly string[],
  options: T,
  longNames: ReadonlyMap<string, string>,
) {
  const rewritten = rewrite(args, options, longNames);
  try {
    return parseArgs({ args: rewritten, options }).values;
  } catch (error) {
    throw misread(error);
  }
}

/** The same for one that takes more than flags. */
export function parseOptionsAndNames<const T extends Options>(
  args: readonly string[],
  options: T,
  longNames: ReadonlyMap<string, string> = new Map(),
) {
  const rewritten = rewrite(args, options, longNames);
  try {
    return parseArgs({ args: rewritten, options, allowPositionals: true });
  } catch (error) {
    throw misread(error);
  }
}

/** Whether a sub-command without flags of its own is asked for its page. */
export function wantsPage(args: readonly string[]): boolean {
  return args.some((arg) => /^--?h(elp)?$/.test(arg));
}

function misread(error: unknown): unknown {
  return error instanceof TypeError ? new FlagError(2, error.message) : error;
}

function rewrite(
  args: readonly string[],
  options: Options,
  longNames: ReadonlyMap<string, string>,
): string[] {
  const typeOf = (name: string) => {
    const long = longNames.get(name) ?? name;
    if (!Object.hasOwn(options, long)) throw new FlagError(2, `Unknown flag -${name}`);
    return options[long]?.type;
  };
  const long = withTwoDashes(args, (name) => typeOf(name) === "string")
    .map((arg) => arg.replace(/^--([^=])(?==|$)/, (_, short) => `--${longNames.get(short)}`));
  return settleSwitches(long, (name) => name !== "" && typeOf(name) === "boolean");
}
