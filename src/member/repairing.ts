import { dirname } from "node:path";
import { messageOf } from "../base/message_of.ts";
import { removeIfThere } from "../io/remove_if_there.ts";
import { filesOfDatabase } from "../sqlite/mod.ts";
import { asideName, asideOf, setDatabaseAside } from "../store/copy/set_aside.ts";
import { isDamaged } from "../store/failures.ts";
import { changesName, databaseName } from "../store/store.ts";
import { LogDamageError } from "../raft_log/types.ts";
import { RecoveryError } from "../node/recovery.ts";
import type { Disk } from "../io/types.ts";
import { serverId } from "../raft/types.ts";
import type { MemberConfiguration } from "./configuration.ts";
import { letGo } from "./let_go.ts";
import { type MemberData, openData, type Surroundings } from "./member_parts.ts";
import {
  clearDirectory,
  configurationsOf,
  logDirectory,
  type OpenLog,
  openLog,
} from "./open_log.ts";
import { type Identity, readIdentity } from "./identity.ts";
import { admittersOf, awaitOthers, type Others, sendersTo } from "./repair_quorum.ts";
import { StartError } from "./start_error.ts";
import type { DamagedPart, RepairNote, RepairText } from "./repair_note.ts";

/** Each part of a node's files can be damaged once. */
const attemptsMax = 3;

/** A node's files as they are to be gone on with. */
export interface OpenFiles {
  readonly data: MemberData;
  readonly raftLog: OpenLog;
  /** What was wrong with the database, which is to come from the leader; undefined for nothing. */
  readonly damage: string | undefined;
  /** Where others are of whom this node, which has lost what it promised, is to be a new member. */
  readonly rejoin: readonly string[] | undefined;
}

type Parts = {
  readonly configuration: MemberConfiguration;
  readonly surroundings: Surroundings;
  readonly note: RepairNote;
};

/**
 * Opens a node's files. What is damaged and the other nodes have is set aside:
 *
 * | damaged | what follows |
 * | --- | --- |
 * | the database, with a log that is whole | the node keeps its id, its vote and its entries, and the leader sends it a copy of the database |
 * | the log, or what does not go with it | what the node has promised is gone with it: it is another server from now on, which joins the cluster in the old one's place (thesis 11.7.2) |
 *
 * Where nobody else is known, or no majority of them is there, all stays as it is, and the start
 * fails, as where the configuration permits no repairs: then only what was set aside before is still
 * made up for.
 */
export async function openFiles(parts: Parts, cleanUp: AsyncDisposableStack): Promise<OpenFiles> {
  const { repairs } = parts.configuration.database;
  // Who could make up for what this start has found is asked for once.
  let found: DamagedPart | undefined;
  for (let attempt = 1;; attempt++) {
    const opening = new AsyncDisposableStack();
    try {
      const files = await tryToOpen(parts, opening, found);
      cleanUp.use(opening.move());
      return files;
    } catch (error) {
      await letGo(() => opening.disposeAsync(), parts.surroundings.logger);
      const part = damagedPart(error);
      if (!repairs || part === undefined || attempt === attemptsMax) throw error;
      if (!await setAside(parts, part, error)) throw error;
      found = part;
    }
  }
}

async function tryToOpen(
  { configuration, surroundings, note }: Parts,
  opening: AsyncDisposableStack,
  /** What is damaged, where others have just been there to make up for it. */
  awaited: DamagedPart | undefined,
): Promise<OpenFiles> {
  const { dataDirectory: directory, nodeId, database: { repairs } } = configuration;
  const { disk } = surroundings;
  const found = await note.read();
  const noted = repairs || found?.moved === true ? found : undefined;
  if (found !== undefined && noted === undefined) {
    const text = `${found.reason}: -auto-repair=false leaves what is damaged as it is`;
    surroundings.logger.log("ERROR", "cluster", text);
  }
  if (noted?.moved === false) {
    const { part, reason } = noted;
    if (part !== awaited) {
      const others = await othersFor({ configuration, surroundings, note }, part);
      if (others === undefined) {
        throw new StartError(`${reason}: no other node is known that has it`);
      }
      await awaitOthers(others, { reason, configuration, surroundings });
    }
    await moveNoted(disk, directory, note, noted);
  }
  const data = await openData(configuration, surroundings, opening);
  const { identity, store } = data;
  // One that holds entries was received whole, or put back by an operator.
  const isMissing = noted?.part === "database" && store.applied.index === 0;
  const raftLog = await openLog({ surroundings, directory, identity, store, replaced: isMissing });
  // A log that begins with the first entry makes all of the database again.
  const isReplayed = raftLog.contents.compaction.index === 0;
  const damage = isMissing && !isReplayed ? noted.reason : undefined;
  const isLost = noted?.part === "log" && raftLog.fresh;
  try {
    if (noted !== undefined && damage === undefined && !isLost) await note.clear();
    const rejoin = isLost ? await note.addresses(nodeId) ?? [] : undefined;
    return { data, raftLog, damage, rejoin };
  } catch (error) {
    await letGo(() => raftLog.log.close(), surroundings.logger);
    throw error;
  }
}

/** What of a node's files an opening has failed over, where others can make up for it. */
function damagedPart(error: unknown): DamagedPart | undefined {
  if (error instanceof LogDamageError) return "log";
  if (error instanceof RecoveryError) return error.part;
  return isDamaged(error) ? "database" : undefined;
}

/** Notes what is damaged, for the next opening to move it away; false when nobody else has it. */
async function setAside(
  { configuration, surroundings, note }: Parts,
  part: DamagedPart,
  error: unknown,
): Promise<boolean> {
  const { dataDirectory: directory } = configuration;
  const { disk, logger } = surroundings;
  const others = await othersFor({ configuration, surroundings, note }, part);
  if (others === undefined) return false;
  await awaitOthers(others, { reason: messageOf(error), configuration, surroundings });
  await dropUnfinished(disk, directory, part, await note.read());
  const reason = messageOf(error);
  await note.write({ part, reason, moved: false });
  const what = part === "database"
    ? "it is set aside, and a copy of the leader's takes its place"
    : "all is set aside, and the node joins its cluster anew, as one without data";
  logger.log(
    "ERROR",
    "cluster",
    `${reason}: ${what}; the old files are in ${directory}/${asideName}`,
  );
  return true;
}

/** The others that could make up for what is damaged; undefined where nobody else is known. */
async function othersFor(
  { configuration, surroundings, note }: Parts,
  part: DamagedPart,
): Promise<Others | undefined> {
  const { dataDirectory: directory, nodeId, advertisedAddress, cluster: { join } } = configuration;
  const identity = await readIdentity(surroundings.disk, directory);
  if (identity === undefined || identity.clusterId === "") return undefined;
  if (part === "database") return await othersInLog(surroundings, directory, identity);
  const voters = await note.voters(nodeId) ??
    { others: join.filter((address) => address !== advertisedAddress), count: undefined };
  return voters.others.length === 0 ? undefined : admittersOf(voters);
}

/** The other members as a log that is whole has them; undefined where it is not, or there are none. */
async function othersInLog(
  { disk, clock, logger, openers: { logs } }: Surroundings,
  directory: string,
  { nodeId, incarnation }: Identity,
): Promise<Others | undefined> {
  const path = logDirectory(directory);
  if (!await logs.exists(disk, path)) return undefined;
  const { log, contents } = await logs.open({ disk, directory: path, clock, logger });
  await log.close();
  const members = configurationsOf(contents).at(-1);
  const others = members && sendersTo(serverId(nodeId, incarnation), members);
  return others === undefined || others.addresses.length === 0 ? undefined : others;
}

/**
 * Removes what has come into the place of files that were set aside before, and that others have not
 * made up for yet: it is not whole, and those are what an operator may want.
 */
async function dropUnfinished(
  disk: Disk,
  directory: string,
  part: DamagedPart,
  before: RepairText | undefined,
): Promise<void> {
  if (before?.moved !== true) return;
  const path = `${directory}/${databaseName}`;
  if (await disk.exists(asideOf(path))) await removeDatabase(disk, path);
  if (part !== "log" || before.part !== "log") return;
  if (await disk.exists(logDirectory(directory))) await removeLog(disk, logDirectory(directory));
}

/** Moves away what a note says is damaged: also when a crash, or the end of a node, came before. */
async function moveNoted(
  disk: Disk,
  directory: string,
  note: RepairNote,
  noted: RepairText,
): Promise<void> {
  await setDatabaseAside(disk, `${directory}/${databaseName}`, `${directory}/${changesName}`);
  if (noted.part === "log") await setLogAside(disk, directory);
  await note.write({ ...noted, moved: true });
}

async function removeDatabase(disk: Disk, path: string): Promise<void> {
  for (const file of filesOfDatabase(path)) await removeIfThere(disk, file);
  await disk.syncDirectory(dirname(path));
}

async function removeLog(disk: Disk, path: string): Promise<void> {
  await clearDirectory(disk, path);
  await disk.remove(path);
}

async function setLogAside(disk: Disk, directory: string): Promise<void> {
  const path = logDirectory(directory);
  if (!await disk.exists(path)) return;
  const aside = `${directory}/${asideName}`;
  await disk.makeDirectory(aside);
  const target = `${aside}/raft`;
  if (await disk.exists(target)) await removeLog(disk, target);
  await disk.rename(path, target);
  await disk.syncDirectory(aside);
  await disk.syncDirectory(directory);
}
