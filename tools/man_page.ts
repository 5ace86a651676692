import { flagGroups, helpHead } from "../src/cli/help.ts";
import { version } from "../src/cli/version.ts";

/** raftlite(1) in roff, from what -help is made of. */
export function manPage(): string {
  const options = flagGroups().map(([group, flags]) =>
    [
      `.SS ${text(group)}`,
      ...flags.map((flag) => `.TP\n.B ${text(flag.usage)}\n${text(flag.text)}`),
    ].join("\n")
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

/** Text as roff takes it: no line of it is a request, no character of it an escape. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=['.])/gm, "\\&");
}
