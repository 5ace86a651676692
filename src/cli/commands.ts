import { FlagError } from "./flag_error.ts";
import { parseFlags } from "./flags.ts";
import { OutputError, print, printError } from "./output.ts";
import { nearest } from "./suggestion.ts";

/** A sub-command: takes the arguments behind its name and resolves with the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

/** Sub-commands; each is loaded only when asked for. */
const loaders = {
  bench: async () => (await import("./bench/command.ts")).bench,
  completion: async () => (await import("./completion/command.ts")).completionCommand,
  doctor: async () => (await import("./doctor/command.ts")).doctorCommand,
  "hash-password": async () => (await import("./hash_password.ts")).hashPasswordCommand,
  import: async () => (await import("./import/command.ts")).importCommand,
  "new-token": async () => (await import("./new_token.ts")).newToken,
  promote: async () => (await import("./promote.ts")).promoteCommand,
  recover: async () => (await import("./recover/command.ts")).recoverCommand,
  restore: async () => (await import("./restore/command.ts")).restore,
  shell: async () => (await import("./shell/command.ts")).shell,
  standby: async () => (await import("./standby/command.ts")).standby,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  "windows-service": async () => (await import("./windows_service/command.ts")).windowsService,
  "systemd-unit": async () => (await import("./systemd_unit.ts")).systemdUnit,
} as const satisfies Readonly<Record<string, () => Promise<Command>>>;

export type CommandName = keyof typeof loaders;

const commands: ReadonlyMap<string, () => Promise<Command>> = new Map(Object.entries(loaders));

/** Sub-commands with flags of their own; the others take the server's. */
const ownFlags: ReadonlySet<string> = new Set([
  "bench",
  "completion",
  "import",
  "doctor",
  "promote",
  "restore",
  "shell",
  "hash-password",
  "new-token",
  "recover",
  "standby",
  "verify",
]);

/** Carries out a command line and resolves with the program's exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const [name = ""] = args;
  const load = commands.get(name);
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
    const page = ownFlags.has(name) ? `${name} -help` : "-help";
    const hint = error.exitCode === 2 ? `Run raftlite ${page} for all flags\n` : "";
    printError(`fatal: ${error.message}\n${hint}`);
    return error.exitCode;
  }
}

/**
 * Throws a FlagError for a word that was meant to be a sub-command, and would become the name of a
 * new data directory.
 */
async function checkWord(word: string): Promise<void> {
  const meant = word === "help" || word === "version" ? `-${word}` : nearest(word, commands.keys());
  if (meant === undefined || await isDirectory(word)) return;
  throw new FlagError(
    2,
    `No directory ${word} is there: did you mean raftlite ${meant}? Write a new data directory as ./${word}`,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then((found) => found.isDirectory, () => false);
}

async function runServer(args: readonly string[]): Promise<number> {
  const [word] = args;
  if (word !== undefined && /^\w[\w-]*$/.test(word)) await checkWord(word);
  const invocation = parseFlags(args, Deno.env.toObject());
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
