import { nearest } from "../suggestion.ts";
import { clusterCommands } from "./cluster_commands.ts";
import { fileCommands } from "./file_commands.ts";
import { print } from "../output.ts";
import { schemaCommands } from "./schema_commands.ts";
import type { Session } from "./session.ts";
import { settingCommands } from "./setting_commands.ts";
import { Quit, ShellError } from "./shell_error.ts";

/** A command to the shell itself. */
export interface DotCommand {
  /** What follows its name, as .help shows it. */
  readonly usage?: string;
  readonly help: string;
  /** What the argument may be, for completion. */
  readonly choices?: readonly string[];
  /** `argument` is all that follows the name, without blanks around it; "" for nothing. */
  run(session: Session, argument: string, signal: AbortSignal): Promise<void> | void;
}

/** Commands by name, without the dot. */
export type DotCommands = Readonly<Record<string, DotCommand>>;

const quit: DotCommand = {
  help: "Exit this program",
  run() {
    throw new Quit();
  },
};

const help: DotCommand = {
  help: "Show this message",
  run: () => print(helpText()),
};

export const dotCommands: ReadonlyMap<string, DotCommand> = new Map(
  Object.entries<DotCommand>({
    ...settingCommands,
    ...schemaCommands,
    ...clusterCommands,
    ...fileCommands,
    help,
    quit,
    exit: quit,
  }).sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Carries out one line: a command with its dot and its argument. */
export async function runCommand(
  session: Session,
  line: string,
  signal: AbortSignal,
): Promise<void> {
  const [, word = "", argument = ""] = /^\.?(\S+)\s*([^]*)$/.exec(line.trim()) ?? [];
  const name = word.toLowerCase().replace(/;$/, "");
  const command = dotCommands.get(name);
  if (command === undefined) {
    const near = nearest(name, dotCommands.keys());
    const hint = near === undefined ? ".help lists them" : `did you mean .${near}?`;
    throw new ShellError(`Unknown command .${name}: ${hint}`);
  }
  if (command.usage === undefined && argument !== "") {
    throw new ShellError(`Command .${name} takes no argument: ${argument}`);
  }
  await command.run(session, argument, signal);
}

function helpText(): string {
  return [...dotCommands].map(([name, { usage, help }]) => {
    const call = usage === undefined ? `.${name}` : `.${name} ${usage}`;
    return `${call.padEnd(50)} ${help}\n`;
  }).join("");
}
