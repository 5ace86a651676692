import { quoted } from "./quoting.ts";
import type { CompletedCommand, CompletedFlag, Values } from "./table.ts";

/** A function for zsh, to be found as `_raftlite` in $fpath, or to be sourced. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const named = commands.filter(({ name }) => name !== "");
  const cases = commands.map(({ name, flags, beside }) =>
    `    (${quoted(name)})
      specs=(
${flags.map((flag) => `        ${quoted(specOf(flag))}`).join("\n")}
      )
      beside=${quoted(actionOf(beside))}
      ;;`
  );
  return `#compdef raftlite
compdef _raftlite raftlite
# Made by: raftlite completion zsh

_raftlite_begin() {
  local -a commands=(
${named.map(({ name, help }) => `    ${quoted(`${name}:${escaped(help)}`)}`).join("\n")}
  )
  _describe command commands
  _files -/
}

_raftlite() {
  local -a specs
  local command= dash=- beside= first=_raftlite_begin
  if ((CURRENT > 2)); then
    case $words[2] in
    (${named.map(({ name }) => quoted(name)).join("|")})
      command=$words[2] first=
      shift words
      ((CURRENT--))
      ;;
    esac
  fi
  # As they are being written: with one dash or with two.
  [[ $PREFIX == --* || -n \${words[(r)--?*]} ]] && dash=--
  case $command in
${cases.join("\n")}
  esac
  specs=("\${(@)specs/#/$dash}")
  if [[ -n $first ]]; then
    specs+=("1: :$first")
  fi
  if [[ -n $beside ]]; then
    specs+=("*: :$beside")
  fi
  _arguments $specs
}

if [[ $funcstack[1] == _raftlite ]]; then
  _raftlite "$@"
fi
`;
}

/** The flag as _arguments takes it, without its dashes. */
function specOf({ name, help, values }: CompletedFlag): string {
  const text = help === "" ? "" : `[${escaped(help)}]`;
  return values.type === "none" ? `${name}${text}` : `${name}=${text}:value:${actionOf(values)}`;
}

function actionOf(values: Values): string {
  switch (values.type) {
    case "none":
      return "";
    case "any":
      return " ";
    case "words":
      return `(${values.words.join(" ")})`;
    case "files":
      return values.words.length === 0
        ? "_files"
        : `{compadd -- ${values.words.join(" ")}; _files}`;
    case "directories":
      return "_files -/";
  }
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}
