import { sqliteLabel } from "../backup/archive/sqlite_label.ts";
import { resolve } from "node:path";
import { Archiver } from "../backup/archive/archiver.ts";
import type { ArchivePlace } from "../backup/archive/layout.ts";
import { archiveAt, archiveDirectory } from "../backup/archive/target.ts";
import { removesAnything, type Retention } from "../backup/archive/retention.ts";
import { Trimmer } from "../backup/archive/trimmer.ts";
import type { ArchivedNode } from "../backup/archive/types.ts";
import { parseDestination } from "../backup/config.ts";
import { messageOf } from "../base/message_of.ts";
import type { Clock } from "../io/types.ts";
import type { OpenMember } from "../member/member.ts";
import { leadingNode, readConfig, type Surroundings } from "./auto_backup.ts";
import type { Configuration } from "./flags.ts";

/** An archive that was asked for, not yet of a node. */
export interface PreparedArchive {
  readonly place: ArchivePlace;
  readonly lagMs: number;
  readonly baseIntervalMs: number;
  readonly retention: Retention;
}

/** What -archive and -from name: a file says where, a directory is it. Rejects with an Error. */
export async function openArchive(target: string, clock: Clock): Promise<ArchivePlace> {
  const isFile = await Deno.stat(target).then((found) => found.isFile, () => false);
  if (!isFile) return await archiveDirectory(resolve(target));
  try {
    const text = await readConfig(target, "archive");
    return await archiveAt(parseDestination(text, (name) => Deno.env.get(name)), clock);
  } catch (error) {
    throw new Error(`Archive ${target}: ${messageOf(error)}`);
  }
}

/** Undefined without -archive. */
export async function prepareArchive(
  { target, lagMs, baseIntervalMs, keepMs, keepBases }: Configuration["backups"]["archive"],
  clock: Clock,
): Promise<PreparedArchive | undefined> {
  if (target === "") return undefined;
  return {
    place: await openArchive(target, clock),
    lagMs,
    baseIntervalMs,
    retention: { keepMs, bases: keepBases, gapMsMax: 2 * baseIntervalMs },
  };
}

/** Makes it a node's; to be started. */
export async function archiverOf(
  prepared: PreparedArchive,
  member: OpenMember,
  surroundings: Surroundings,
): Promise<Archiver> {
  const { store } = member;
  const sqliteVersion = sqliteLabel(await store.status());
  const node = archivedNode(member);
  const trimmer = removesAnything(prepared.retention)
    ? new Trimmer({ ...prepared, ...surroundings, node })
    : undefined;
  return new Archiver({ ...prepared, ...surroundings, node, store, sqliteVersion, trimmer });
}

function archivedNode(member: OpenMember): ArchivedNode {
  const { node } = member;
  const leading = leadingNode(member);
  return {
    get leads() {
      return leading.leads;
    },
    get clusterId() {
      return leading.clusterId;
    },
    get appliedIndex() {
      return leading.appliedIndex;
    },
    get term() {
      return node.status.term;
    },
    get firstLogIndex() {
      return node.figures.firstLogIndex;
    },
    confirm: leading.confirm,
    changedSince: leading.changedSince,
    termAt: (index) => node.termAt(index),
    readLog: (from, to, bytesMax) => node.readLog(from, to, bytesMax),
    keepLogBehind: (index) => node.keepLogBehind(index),
  };
}
