import { flagTable } from "../src/cli/flag_table.ts";
import type { FlagSpec } from "../src/cli/flag_spec.ts";
import { helpHead } from "../src/cli/help.ts";
import { version } from "../src/cli/version.ts";

/** raftlite(1) in roff, from what -help is made of. */
export function manPage(): string {
  const specs = Object.entries<FlagSpec>(flagTable);
  const groups = Map.groupBy(specs, ([, spec]) => spec.group);
  const options = [...groups].map(([group, flags]) =>
    [`.SS ${text(group)}`, ...flags.map(([name, spec]) => option(name, spec))].join("\n")
  );
  return `.TH RAFTLITE 1 "" "raftlite ${text(version)}"
.SH NAME
raftlite \\- a SQLite database kept identical on several machines
.SH SYNOPSIS
.B raftlite
.RI [ flags ]
.RI [ DATA_DIR ]
.SH DESCRIPTION
.nf
${text(helpHead)}.fi
.SH OPTIONS
${options.join("\n")}
.SH SEE ALSO
/usr/share/doc/raftlite
`;
}

function option(name: string, { value, help, default: standard }: FlagSpec): string {
  const isOff = standard === "" || standard === "false";
  const usage = value === "" ? `\\-${text(name)}` : `\\-${text(name)} ${text(value)}`;
  return `.TP\n.B ${usage}\n${text(isOff ? help : `${help} (default ${standard})`)}`;
}

/** Text as roff takes it: no line of it is a request, no character of it an escape. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=['.])/gm, "\\&");
}
