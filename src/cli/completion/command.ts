import { wantsPage } from "../command_options.ts";
import { FlagError } from "../flag_error.ts";
import { print } from "../output.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completed, shells } from "./table.ts";
import { zshScript } from "./zsh.ts";

const page = `Usage: raftlite completion bash|zsh|fish

Prints a script by which that shell completes sub-commands, flags, their values and files. For good:

  raftlite completion bash > ~/.local/share/bash-completion/completions/raftlite
  raftlite completion zsh > ~/.zfunc/_raftlite       # with: fpath+=~/.zfunc, before compinit
  raftlite completion fish > ~/.config/fish/completions/raftlite.fish

In a bash that runs: source <(raftlite completion bash); in zsh and fish alike.
`;

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** raftlite completion: prints what a shell completes command lines with. */
export function completionCommand(args: readonly string[]): Promise<number> {
  if (wantsPage(args)) {
    print(page);
    return Promise.resolve(0);
  }
  const shell = shells.find((known) => known === args[0]);
  if (shell === undefined || args.length > 1) {
    throw new FlagError(2, `completion takes one of ${shells.join(", ")}`);
  }
  print(scripts[shell](completed));
  return Promise.resolve(0);
}
