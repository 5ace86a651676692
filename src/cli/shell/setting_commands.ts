import { print } from "../output.ts";
import type { DotCommand, DotCommands } from "./dot_commands.ts";
import { isLevel, isMode, levels, modes } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { ShellError } from "./shell_error.ts";

type Switch = "blobArray" | "changes" | "forceWrites" | "timer";

function switchCommand(name: Switch, what: string): DotCommand {
  return {
    usage: "[on|off]",
    help: `Show setting, or set ${what}`,
    choices: ["on", "off"],
    run({ settings }, argument) {
      if (argument === "") return print(`${onOff(settings[name])}\n`);
      if (argument !== "on" && argument !== "off") {
        throw new ShellError(`Invalid option ${argument}: on or off`);
      }
      settings[name] = argument === "on";
    },
  };
}

const consistency: DotCommand = {
  usage: `[${levels.join("|")}]`,
  help: "Show or set read consistency level",
  choices: levels,
  run({ settings }, argument) {
    if (argument === "") return print(`${settings.level}\n`);
    if (!isLevel(argument)) {
      throw new ShellError(`Invalid consistency ${argument}: ${levels.join(", ")}`);
    }
    settings.level = argument;
  },
};

const mode: DotCommand = {
  usage: `[${modes.join("|")}]`,
  help: "Show or set output mode for query results",
  choices: modes,
  run({ settings }, argument) {
    if (argument === "") return print(`${settings.mode}\n`);
    if (!isMode(argument)) throw new ShellError(`Invalid mode ${argument}: ${modes.join(", ")}`);
    settings.mode = argument;
  },
};

const output: DotCommand = {
  usage: "[FILE]",
  help: "Send output to FILE, or stdout if FILE is omitted",
  run({ output }, argument) {
    if (argument === "" || argument === "stdout") output.toStdout();
    else output.toFile(argument);
  },
};

const show: DotCommand = {
  help: "Show the current values for various settings",
  run: ({ settings, output }) => print(settingsText(settings, output.name)),
};

function settingsText(settings: Settings, outputName: string): string {
  const values = {
    blobarray: onOff(settings.blobArray),
    changes: onOff(settings.changes),
    consistency: settings.level,
    forcewrites: onOff(settings.forceWrites),
    mode: settings.mode,
    output: outputName,
    timer: onOff(settings.timer),
  };
  return Object.entries(values).map(([name, value]) => `  ${name}: ${value}\n`).join("");
}

function onOff(isOn: boolean): string {
  return isOn ? "on" : "off";
}

/** Commands that deal with how the shell works. */
export const settingCommands: DotCommands = {
  blobarray: switchCommand("blobArray", "BLOB data display as byte arrays"),
  changes: switchCommand("changes", "display of last insert ID after writes"),
  consistency,
  forcewrites: switchCommand("forceWrites", "all statements to be executed via /db/execute"),
  mode,
  output,
  show,
  timer: switchCommand("timer", "query timings on or off"),
};
