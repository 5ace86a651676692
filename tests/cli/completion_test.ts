import assert from "node:assert/strict";
import { bashScript } from "../../src/cli/completion/bash.ts";
import { fishScript } from "../../src/cli/completion/fish.ts";
import { completed } from "../../src/cli/completion/table.ts";
import { zshScript } from "../../src/cli/completion/zsh.ts";
import { flagTable } from "../../src/cli/flag_table.ts";
import { withDirectory } from "../directory.ts";
import { runProgram } from "./shell_program.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** A test that runs a shell with the script for it and a file to find, or says that none is there. */
function testShell(
  shell: keyof typeof scripts,
  what: string,
  run: (parts: { script: string; directory: string }) => Promise<void>,
): void {
  if (!isThere(shell)) {
    Deno.test(`${shell}'s completion is left out, as no ${shell} is here`, () => {});
    return;
  }
  Deno.test(`${shell} ${what}`, () =>
    withDirectory(async (directory) => {
      const script = `${directory}/script`;
      await Deno.writeTextFile(script, scripts[shell](completed));
      await Deno.writeTextFile(`${directory}/some users.json`, "");
      await Deno.mkdir(`${directory}/somewhere`);
      await run({ script, directory });
    }));
}

function isThere(command: string): boolean {
  try {
    return new Deno.Command(command, { args: ["-c", "true"] }).outputSync().success;
  } catch {
    return false;
  }
}

async function output(command: string, args: string[], cwd: string): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    // A shell that waits for what does not come is ended.
    signal: AbortSignal.timeout(60_000),
    env: { HOME: cwd, XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd, TERM: "dumb" },
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).split("\n").filter((line) => line !== "");
}

const auditFlags = ["audit-log", "audit-log-sql"];

testShell("bash", "completes commands, flags, their values and paths", async (parts) => {
  const { script, directory } = parts;
  const cases: readonly [words: string[], expected: readonly string[]][] = [
    [["-audit-"], auditFlags.map((name) => `-${name}`)],
    [["--audit-"], auditFlags.map((name) => `--${name}`)],
    [["-", "x", "-bootstrap-expect-"], ["-bootstrap-expect-timeout"]],
    [["sh"], ["shell"]],
    [["so"], ["somewhere"]],
    [["data", "so"], ["somewhere"]],
    [["-auth", "so"], ["some users.json", "somewhere"]],
    [["--auth", "=", "some "], ["some users.json"]],
    [["-audit-log", "st"], ["stderr"]],
    [["-raft-log-level", ""], ["DEBUG", "INFO", "WARN", "ERROR"]],
    [["-disco-mode", "="], ["consul-kv", "etcd-kv", "dns", "dns-srv"]],
    [["-disco-mode", "=", "dns"], ["dns", "dns-srv"]],
    [["-fk", "=", "f"], ["false"]],
    [["-fk", "so"], ["somewhere"]],
    [["-node-id", "so"], []],
    [["shell", "-mode", "j"], ["json"]],
    [["shell", "-audit-"], []],
    [["shell", "-c", "some "], ["some users.json"]],
    [["shell", "so"], []],
    [["systemd-unit", "-audit-"], auditFlags.map((name) => `-${name}`)],
    [["recover", "-m"], ["-members"]],
    [["completion", ""], ["bash", "zsh", "fish"]],
  ];
  for (const [words, expected] of cases) {
    // As the shell itself calls it when somebody presses Tab.
    const line = `source "$0"; COMP_WORDS=(raftlite "$@"); COMP_CWORD=$#; _raftlite; ` +
      `complete -p raftlite >/dev/null && printf '%s\\n' "\${COMPREPLY[@]}"`;
    const found = await output("bash", ["--norc", "-c", line, script, ...words], directory);
    assert.deepEqual(found.sort(), [...expected].sort(), words.join(" "));
  }
});

testShell("fish", "completes commands, flags, their values and paths", async (parts) => {
  const { script, directory } = parts;
  const cases: readonly [line: string, expected: readonly string[]][] = [
    ["-audit-", auditFlags.map((name) => `-${name}`)],
    ["--audit-", auditFlags.map((name) => `--${name}`)],
    ["sh", ["shell"]],
    ["so", ["somewhere/"]],
    ["-auth so", ["some users.json", "somewhere/"]],
    ["-audit-log std", ["stderr"]],
    ["-raft-log-level ", ["DEBUG", "ERROR", "INFO", "WARN"]],
    ["-disco-mode=dns", ["-disco-mode=dns", "-disco-mode=dns-srv"]],
    ["shell -mode j", ["json"]],
    ["shell -audit-", []],
    ["systemd-unit -audit-", auditFlags.map((name) => `-${name}`)],
    ["recover -m", ["-members"]],
    ["completion ", ["bash", "fish", "zsh"]],
  ];
  for (const [line, expected] of cases) {
    const args = ["-c", `source $argv[1]; complete -C "raftlite $argv[2]"`, script, line];
    const found = await output("fish", ["--no-config", ...args], directory);
    const names = found.map((row) => row.replace(/\t.*/, "").replaceAll("\\ ", " "));
    assert.deepEqual(names.sort(), [...expected].sort(), line);
  }
});

testShell("zsh", "completes commands, flags, their values and paths", async (parts) => {
  const { script, directory } = parts;
  const cases: readonly [typed: string, completedAs: string][] = [
    ["-bootstrap-expect-\t9s", "<-bootstrap-expect-timeout=9s>"],
    ["--bootstrap-expect-\t9s", "<--bootstrap-expect-timeout=9s>"],
    ["sh\t-v", "<shell><-v>"],
    ["somew\t", "<somewhere>"],
    ["-auth some\\ \t", "<-auth><some users.json>"],
    ["-auth=some\\ \t", "<-auth=some users.json>"],
    ["-audit-log std\t", "<-audit-log><stderr>"],
    ["-raft-log-level E\t", "<-raft-log-level><ERROR>"],
    ["shell -mode j\t", "<shell><-mode><json>"],
    ["shell -alt\th:1", "<shell><-alternatives=h:1>"],
    ["systemd-unit -raft-non\t", "<systemd-unit><-raft-non-voter>"],
    ["recover -mem\t1=h:1", "<recover><-members=1=h:1>"],
    ["completion f\t", "<completion><fish>"],
  ];
  // A shell at a terminal of its own, in which a program of that name shows what it is given.
  await Deno.writeTextFile(
    `${directory}/begin`,
    `autoload -U compinit; compinit -u -D; PS1=; unsetopt beep
source "$1"
raftlite() { print -rn -- GOT; print -r -- "<\${(j:><:)@}>" }
print READY`,
  );
  await Deno.writeTextFile(
    `${directory}/drive`,
    `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source $1/begin $2"
zpty -r shell seen '*READY*'
shift 2
for typed; do
  zpty -w shell "raftlite $typed"
  zpty -r shell seen $'*GOT<*>*\\n'
  print -r -- "\${\${(f)seen}[(r)GOT*]}"
done
zpty -d shell`,
  );
  const typed = cases.map(([text]) => text);
  const found = await output(
    "zsh",
    ["-f", `${directory}/drive`, directory, script, ...typed],
    directory,
  );
  assert.deepEqual(
    found.map((line) => line.replace(/^GOT|\r$/g, "")),
    cases.map(([, expected]) => expected),
  );
});

Deno.test("completion offers every flag of a node, and the program prints the scripts", async () => {
  const [node] = completed;
  assert.deepEqual(node?.flags.map(({ name }) => name), Object.keys(flagTable));
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const { code, stdout, stderr } = await runProgram(["completion", shell], "");
    assert.equal(code, 0, stderr);
    assert.equal(stdout, scripts[shell](completed));
  }
  const wrong = await runProgram(["completion", "tcsh"], "");
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /^fatal: completion takes one of bash, zsh, fish\nRun raftlite completion -help/,
  );
  assert.match((await runProgram(["completion", "-help"], "")).stdout, /^Usage: /);
});
