import type { CompletedCommand, CompletedFlag, Values } from "./table.ts";

/** A script for fish: one `complete` for each flag, with the sub-command that it belongs to. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const named = commands.filter(({ name }) => name !== "");
  const rows = commands.flatMap(({ name, flags, beside }) => [
    ...flags.map((flag) => `complete -c raftlite ${when(name)} ${flagOf(flag)}`),
    ...(beside.type === "none" || beside.type === "any"
      ? []
      : [`complete -c raftlite ${when(name)} ${besideOf(beside)}`]),
  ]);
  const begin = named.map(({ name, help }) =>
    `complete -c raftlite -n __raftlite_begins -a ${name} -d ${quoted(help)}`
  );
  return `# fish completion for raftlite. Made by: raftlite completion fish
function __raftlite_begins
    test (count (commandline -opc)) -eq 1
end

function __raftlite_is
    set -l tokens (commandline -opc)
    set -l command ''
    if contains -- "$tokens[2]" ${named.map(({ name }) => name).join(" ")}
        set command $tokens[2]
    end
    test "$command" = "$argv[1]"
end

complete -c raftlite -f
${[...begin, ...rows].join("\n")}
`;
}

function when(name: string): string {
  return `-n "__raftlite_is '${name}'"`;
}

function flagOf({ name, help, values }: CompletedFlag): string {
  const description = help === "" ? "" : ` -d ${quoted(help)}`;
  // A letter by itself is one with one dash and with two, as all others.
  return `-o ${name} -l ${name}${valuesOf(values)}${description}`;
}

function valuesOf(values: Values): string {
  switch (values.type) {
    case "none":
      return "";
    case "any":
      return " -x";
    case "words":
      return ` -x -a ${quoted(values.words.join(" "))}`;
    case "files":
      return values.words.length === 0 ? " -r -F" : ` -r -F -a ${quoted(values.words.join(" "))}`;
    case "directories":
      return " -x -a '(__fish_complete_directories)'";
  }
}

function besideOf(values: Values): string {
  return values.type === "files" ? "-F" : valuesOf(values).replace(" -x ", "");
}

/** Within quotes fish knows a backslash before a quote and before itself. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
