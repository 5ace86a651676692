import { dirname, resolve } from "node:path";
import { formatGoBytes } from "../../base/go_bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { fileSystemOf, memoryMax, openFilesMax } from "../../io/machine.ts";
import { type Finding, findingsAbout, msText } from "./finding.ts";
import { probeSync } from "./sync_probe.ts";

/** At p99: every write waits for a sync of a majority, so beyond these the cluster is as slow as the disk. */
const syncWarningMs = 10;
const syncProblemMs = 100;

/** Below these a node should have no room left soon. */
const freeBytesMin = 1e9;

/** Connections of clients and peers, readers, segments: a busy node has more than a shell's usual 1024. */
const openFilesWanted = 8192;

/** A follower takes about 90 MB, a leader under load 250 MB, and SQLite its caches. */
const memoryWanted = 512e6;

/** Others see what this one wrote late, or locks do not hold: SQLite, https://sqlite.org/wal.html, section 1. */
const networkKinds =
  /^(nfs4?|cifs|smb3?|9p|afs|ceph|glusterfs|lustre|fuse\.(sshfs|s3fs|rclone|.*drive.*))$/;
const memoryKinds = /^(tmpfs|ramfs)$/;

/** Looks at a data directory, or at where one would be, and at what a node started here would have. */
export async function directoryFindings(directory: string): Promise<Finding[]> {
  const place = await existing(resolve(directory));
  const about = findingsAbout(directory);
  const findings: Finding[] = [];
  const entry = await Deno.stat(place);
  if (!entry.isDirectory) {
    return [about.problem(`${place} is a file`, "Name a directory for the data")];
  }
  const hasData = await Deno.stat(`${place}/node.json`).then(() => true, () => false);
  findings.push(
    about.ok(
      place !== resolve(directory)
        ? `is not there yet: looked at ${place}`
        : hasData
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

/** What the kind of a file system means to a node; undefined where it is not known. */
export function kindFinding(subject: string, kind: string | undefined): Finding | undefined {
  if (kind === undefined) return undefined;
  const about = findingsAbout(subject);
  if (networkKinds.test(kind)) {
    return about.problem(
      `lies on ${kind}, a file system over the network`,
      "Use a disk of the machine: SQLite's WAL does not hold there, and a node brings its own copies",
    );
  }
  if (memoryKinds.test(kind)) {
    return about.problem(
      `lies on ${kind}, in memory`,
      "Use a disk: when the machines lose power, acknowledged writes are gone",
    );
  }
  if (kind === "overlay") {
    return about.warning(
      "lies on overlay, in a container's own layer",
      "Mount a volume there: data in the layer go with the container",
    );
  }
  return about.ok(`lies on ${kind}`);
}

/** What is left, beside what a node needs to take a copy of the database from another one. */
export function freeSpaceFinding(
  subject: string,
  { freeBytes, totalBytes, databaseBytes }: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly databaseBytes: number;
  },
): Finding {
  const about = findingsAbout(subject);
  const text = `${formatGoBytes(freeBytes)} of ${formatGoBytes(totalBytes)} are free`;
  const wanted = Math.max(freeBytesMin, databaseBytes);
  if (freeBytes >= wanted) return about.ok(text);
  const advice =
    `Make room for ${formatGoBytes(wanted)}: a copy of the database has to fit beside it, ` +
    "for backups and when a node has to catch up";
  return freeBytes < wanted / 10 ? about.problem(text, advice) : about.warning(text, advice);
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

/** What the time of a sync, in ms at p99, means to writes. */
export function gradeSync(subject: string, p99Ms: number, text: string): Finding {
  const about = findingsAbout(subject);
  if (p99Ms <= syncWarningMs) return about.ok(text);
  const advice =
    "Every write waits for it at a majority of nodes: use an SSD of the machine's own, " +
    "and keep other load off it";
  return p99Ms <= syncProblemMs ? about.warning(text, advice) : about.problem(text, advice);
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

/** What the bound of open files means to a node. */
export function openFilesFinding(subject: string, filesMax: number): Finding {
  const about = findingsAbout(subject);
  const text = filesMax === Infinity
    ? "any number of files may be open"
    : `${filesMax} files may be open at a time`;
  return filesMax >= openFilesWanted ? about.ok(text) : about.warning(
    text,
    `Raise it to ${openFilesWanted} (ulimit -n, or LimitNOFILE= of the unit): each connection is one`,
  );
}
