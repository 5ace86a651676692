import { FlagError } from "./flag_error.ts";
import { parseFlags } from "./flags.ts";
import { OutputError, print, printError } from "./output.ts";

/** A sub-command: takes the arguments behind its name and resolves with the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

/** Sub-commands by name; each is loaded only when asked for. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["bench", async () => (await import("./bench/command.ts")).bench],
  ["shell", async () => (await import("./shell/command.ts")).shell],
  ["systemd-unit", async () => (await import("./systemd_unit.ts")).systemdUnit],
]);

/** Carries out a command line and resolves with the program's exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const load = commands.get(args[0] ?? "");
  try {
    return load === undefined ? await runServer(args) : await (await load())(args.slice(1));
  } catch (error) {
    if (error instanceof OutputError) {
      // Whoever read it has gone of his own will, as head does, and needs no word of it.
      const isLeft = error.cause instanceof Deno.errors.BrokenPipe;
      if (!isLeft) printError(`fatal: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof FlagError)) throw error;
    const hint = error.exitCode === 2 ? "Run raftlite -help for all flags\n" : "";
    printError(`fatal: ${error.message}\n${hint}`);
    return error.exitCode;
  }
}

async function runServer(args: readonly string[]): Promise<number> {
  const invocation = parseFlags(args);
  switch (invocation.type) {
    case "help":
      print((await import("./help.ts")).helpText());
      return 0;
    case "version":
      print(await (await import("./version.ts")).versionText());
      return 0;
    case "serve":
      return await (await import("./serve.ts")).serve(
        invocation.configuration,
        invocation.warnings,
      );
  }
}
