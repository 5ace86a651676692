import { parseArgs, type ParseArgsConfig } from "node:util";

/**
 * What the command line of a task says. With --help it ends the program with `usage`, and with 2 where
 * the line has something that the task does not know: a task that passed over it would do something
 * else than was asked for, some of them for an hour.
 */
export function commandLine<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (Deno.args.includes("--help")) {
    console.log(usage);
    Deno.exit(0);
  }
  try {
    return parseArgs<Config>({ ...config, args: Deno.args });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(usage, error.message);
  }
}

/** Ends the program with 2: its command line cannot be gone by. */
export function refuse(usage: string, reason: string): never {
  console.error(`fatal: ${reason}\n${usage}`);
  Deno.exit(2);
}
