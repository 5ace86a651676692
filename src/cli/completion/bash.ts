import { quoted } from "./quoting.ts";
import type { CompletedCommand, Values } from "./table.ts";

/**
 * A script for bash 3.2 and newer, which needs no other. `=` ends a word there: `-flag=x` comes as
 * three. Words stand one a line, and IFS is a line's end, as files may have spaces in their names.
 */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).filter((name) => name !== "");
  const flagValues = commands.flatMap(({ name, flags }) =>
    flags.filter(({ values }) => values.type !== "none")
      .map((flag) => `    ${quoted(`${name}/${flag.name}`)}) ${suggest(flag.values)}; return ;;`)
  );
  const flagNames = commands.map(({ name, flags }) =>
    `      ${quoted(name)}) names=${lines(flags.map((flag) => flag.name))} ;;`
  );
  const beside = commands.map(({ name, beside }) => `    ${quoted(name)}) ${suggest(beside)} ;;`);
  return `# bash completion for raftlite. Made by: raftlite completion bash
_raftlite_words() {
  COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

_raftlite_paths() {
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen "$1" -- "$cur"))
}

_raftlite() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command= flag= equals= dashes=- names=
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
    case \${COMP_WORDS[1]} in
    ${names.map(quoted).join(" | ")}) command=\${COMP_WORDS[1]} ;;
    esac
  fi
  if [[ $cur == '=' ]]; then
    equals=1 flag=$previous cur=
  elif [[ $previous == '=' ]]; then
    equals=1 flag=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $previous == -* ]]; then
    flag=$previous
  fi
  flag=\${flag#-}
  case "$command/\${flag#-}" in
${flagValues.join("\n")}
  esac
  if [[ $equals ]]; then
    _raftlite_words ${lines(["true", "false"])}
    return
  fi
  if [[ $cur == -* ]]; then
    [[ $cur == --* ]] && dashes=--
    case $command in
${flagNames.join("\n")}
    esac
    COMPREPLY=($(compgen -P "$dashes" -W "$names" -- "\${cur#"$dashes"}"))
    return
  fi
  if ((COMP_CWORD == 1)); then
    _raftlite_words ${lines(names)}
  fi
  case $command in
${beside.join("\n")}
  esac
}

complete -F _raftlite raftlite
`;
}

function suggest(values: Values): string {
  switch (values.type) {
    case "none":
    case "any":
      return ":";
    case "words":
      return `_raftlite_words ${lines(values.words)}`;
    case "files": {
      const words = values.words.length === 0 ? "" : `; _raftlite_words ${lines(values.words)}`;
      return `_raftlite_paths -f${words}`;
    }
    case "directories":
      return "_raftlite_paths -d";
  }
}

/** Words without spaces or quotes, one a line, as one argument. */
function lines(words: readonly string[]): string {
  return `$'${words.join("\\n")}'`;
}
