import { formatGoBytes } from "../../base/go_bytes.ts";
import { type Finding, findingsAbout } from "./finding.ts";

/** At p99: every write waits for a sync of a majority, so beyond these the cluster is as slow as the disk. */
const syncWarningMs = 10;
const syncProblemMs = 100;

/** Below these a node should have no room left soon. */
const freeBytesMin = 1e9;

/** Connections of clients and peers, readers, segments: a busy node has more than a shell's usual 1024. */
const openFilesWanted = 8192;

/** Others see what this one wrote late, or locks do not hold: SQLite, https://sqlite.org/wal.html, section 1. */
const networkKinds =
  /^(nfs4?|cifs|smb3?|9p|afs|ceph|glusterfs|lustre|fuse\.(sshfs|s3fs|rclone|.*drive.*))$/;
const memoryKinds = /^(tmpfs|ramfs)$/;

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

/** What the time of a sync, in ms at p99, means to writes. */
export function gradeSync(subject: string, p99Ms: number, text: string): Finding {
  const about = findingsAbout(subject);
  if (p99Ms <= syncWarningMs) return about.ok(text);
  const advice =
    "Every write waits for it at a majority of nodes: use an SSD of the machine's own, " +
    "and keep other load off it";
  return p99Ms <= syncProblemMs ? about.warning(text, advice) : about.problem(text, advice);
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
