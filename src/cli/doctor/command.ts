import { messageOf } from "../../base/message_of.ts";
import {
  accessHelp,
  accessLongNames,
  accessOf,
  accessOptions,
  accessVariablesHelp,
  givenSecrets,
} from "../client_access.ts";
import { parseOptionsAndNames } from "../command_options.ts";
import { isUrl, nodeUrl } from "../node_url.ts";
import { print } from "../output.ts";
import { type Style, styleFor } from "../shell/style.ts";
import { askNodes } from "./ask_nodes.ts";
import { clusterFindings } from "./cluster_findings.ts";
import { directoryFindings } from "./directory_findings.ts";
import { type Finding, type Grade, grades } from "../../http/findings/finding.ts";

const page = `Usage: raftlite doctor [flags] DIR|URL…

Looks for what would cost data, time or sleep, and says what to change. It changes nothing.

  DIR   a data directory, or where one is to be: kind of file system, free space, how long a sync
        takes (a file is written for two seconds and taken away), open files, memory, processors
  URL   a node of a running cluster, like http://10.0.0.1:4001: asks it and all others whether a
        majority would outlast the next loss, for versions, clocks, flags that differ, lag, disks,
        certificates, and what goes on failing. Asks for the permission status

      -quiet                Only what is not right
      -json                 Print JSON: grade, subject, text, advice
${accessHelp}

${accessVariablesHelp}

The exit code is 0 when there is no problem (warnings are none), 1 when there is one, 2 for a command
line that cannot be read.

Examples:
  raftlite doctor /var/lib/raftlite
  raftlite doctor -quiet -u ops http://10.0.0.1:4001
`;

/** The flags of raftlite doctor, as parseArgs takes them. */
export const doctorOptions = {
  quiet: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  ...accessOptions,
  help: { type: "boolean", default: false },
} as const;

export const doctorLongNames: ReadonlyMap<string, string> = new Map(accessLongNames);

/** raftlite doctor: looks at directories and running clusters; changes nothing. */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptionsAndNames(args, doctorOptions, doctorLongNames);
  if (values.help || positionals.length === 0) {
    print(page);
    return values.help ? 0 : 2;
  }
  const urls = positionals.map((name) => isUrl(name) ? nodeUrl(name) : undefined);
  // Once for all, as it may ask a person for a password.
  const access = urls.some((url) => url !== undefined) ? accessOf(values, givenSecrets) : undefined;
  const findings: Finding[] = [];
  for (const [place, name] of positionals.entries()) {
    const url = urls[place];
    try {
      findings.push(
        ...(url === undefined || access === undefined
          ? await directoryFindings(name)
          : clusterFindings(await askNodes(url, access))),
      );
    } catch (error) {
      findings.push({
        grade: "problem",
        subject: name,
        text: messageOf(error),
        advice: url === undefined ? "Name a directory that can be read" : "Name a node that runs",
      });
    }
  }
  const shown = values.quiet ? findings.filter(({ grade }) => grade !== "ok") : findings;
  print(
    values.json
      ? `${JSON.stringify(shown, null, 2)}\n`
      : textOf(shown, findings, styleFor(Deno.stdout)),
  );
  return findings.some(({ grade }) => grade === "problem") ? 1 : 0;
}

function textOf(shown: readonly Finding[], all: readonly Finding[], style: Style): string {
  const lines: string[] = [];
  let subject: string | undefined;
  for (const finding of shown) {
    if (finding.subject !== subject) {
      subject = finding.subject;
      lines.push(style.heading(subject === "" ? "the cluster" : subject));
    }
    lines.push(`  ${marked(finding.grade, style)} ${finding.text}`);
    if (finding.advice !== undefined) lines.push(style.faint(`          ${finding.advice}`));
  }
  const counts = grades.map((grade) => {
    const count = all.filter((finding) => finding.grade === grade).length;
    return grade === "ok" ? `${count} ok` : `${count} ${grade}${count === 1 ? "" : "s"}`;
  });
  return [...lines, counts.join(", "), ""].join("\n");
}

function marked(grade: Grade, style: Style): string {
  const word = grade.padEnd(7);
  return grade === "problem" ? style.error(word) : grade === "ok" ? style.faint(word) : word;
}
