import { dirname, resolve } from "node:path";
import { formatGoBytes } from "../../base/go_bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { fileSystemOf, memoryMax, openFilesMax } from "../../io/machine.ts";
import { type Finding, findingsAbout, msText } from "../../http/findings/finding.ts";
import {
  freeSpaceFinding,
  gradeSync,
  kindFinding,
  openFilesFinding,
} from "../../http/findings/machine_findings.ts";
import { hasNode, isRqlites } from "../data_directory.ts";
import { probeSync } from "./sync_probe.ts";

/** A follower takes about 90 MB, a leader under load 250 MB, and SQLite its caches. */
const memoryWanted = 512e6;

/** Looks at a data directory, or at where one would be, and at what a node started here would have. */
export async function directoryFindings(directory: string): Promise<Finding[]> {
  const place = await existing(resolve(directory));
  const about = findingsAbout(directory);
  const findings: Finding[] = [];
  const entry = await Deno.stat(place);
  if (!entry.isDirectory) {
    return [about.problem(`${place} is a file`, "Name a directory for the data")];
  }
  if (await isRqlites(place)) {
    const advice = "Name another, and load a backup of rqlite's (docs/operations.md)";
    return [about.problem(`${place} is rqlite's data directory`, advice)];
  }
  findings.push(
    about.ok(
      place !== resolve(directory)
        ? `is not there yet: looked at ${place}`
        : await hasNode(place)
        ? "holds a node's data"
        : "holds no node's data",
    ),
    ...await fileSystemFindings(place, await databaseBytes(place)),
    await syncFinding(place, directory),
    ...machineFindings(),
  );
  return findings;
}

/** The directory, or the nearest above that is there. */
async function existing(path: string): Promise<string> {
  const isThere = await Deno.stat(path).then(() => true, (error) => {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  });
  return isThere ? path : await existing(dirname(path));
}

async function databaseBytes(directory: string): Promise<number> {
  return await Deno.stat(`${directory}/db.sqlite`).then(({ size }) => size, () => 0);
}

async function fileSystemFindings(directory: string, databaseBytes: number): Promise<Finding[]> {
  const found = await fileSystemOf(directory);
  if (found === undefined) return [];
  return [
    kindFinding(directory, found.kind),
    freeSpaceFinding(directory, { ...found, databaseBytes }),
  ].filter((finding) => finding !== undefined);
}

async function syncFinding(directory: string, subject: string): Promise<Finding> {
  const about = findingsAbout(subject);
  try {
    const { count, medianMs, p99Ms, maxMs } = await probeSync(directory);
    const text = `a sync takes ${msText(medianMs)} in the middle, ${msText(p99Ms)} at p99, ` +
      `${msText(maxMs)} at most (${count} of 4 kB)`;
    return gradeSync(subject, p99Ms, text);
  } catch (error) {
    return about.problem(
      `cannot be written: ${messageOf(error)}`,
      "Run this, and the node, as the user whose directory it is",
    );
  }
}

/** What a node would have that is started as this program was. */
function machineFindings(): Finding[] {
  const about = findingsAbout("this machine");
  const files = openFilesMax();
  const memory = memoryMax() ?? Deno.systemMemoryInfo().total;
  const memoryText = `${formatGoBytes(memory)} of memory`;
  return [
    ...(files === undefined ? [] : [openFilesFinding("this machine", files)]),
    memory >= memoryWanted ? about.ok(memoryText) : about.warning(
      memoryText,
      `Give a node ${formatGoBytes(memoryWanted)}: a leader under load needs half`,
    ),
    navigator.hardwareConcurrency >= 2
      ? about.ok(`${navigator.hardwareConcurrency} processors`)
      : about.warning("one processor", "Two let SQLite work while a node serves"),
  ];
}
