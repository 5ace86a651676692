import { checksum } from "../base/checksum.ts";
import { messageOf } from "../base/message_of.ts";
import type { Disk, Logger } from "../io/types.ts";
import { isClusterId } from "../transport/handshake.ts";
import { readText, writeFileAtomically } from "./atomic_file.ts";

/** Who the data in a directory belongs to; kept in `node.json` beside it. */
export interface Identity {
  readonly version: 2;
  /** The operator's name of the node. */
  readonly nodeId: string;
  /** Drawn when the log began: 8 hex digits. */
  readonly incarnation: string;
  /** 16 hex digits; "" before the node belongs to a cluster. */
  readonly clusterId: string;
}

/**
 * One flipped bit would make another server of a node, whose promises are not its own. So the file
 * has a sum, and there is a second one like it, which serves where the disk has damaged the first
 * or has brought back what it was before.
 */
const fileName = "node.json";
const copyName = `${fileName}.copy`;

/** An identity as a file has it. */
interface Kept {
  readonly identity: Identity;
  /** How often it was written, by which the later one of two is known; 0 in a file of an earlier release. */
  readonly writes: number;
}

/** What the two files say; undefined for a text that is not what was written. */
interface Found {
  readonly texts: readonly (string | undefined)[];
  readonly file: Kept | undefined;
  readonly copy: Kept | undefined;
}

/** The identity of a data directory; undefined when it has none yet. Throws when it cannot be read. */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity | undefined> {
  return currentOf(await find(disk, directory), directory)?.identity;
}

/** Writes the identity so that a crash leaves the old one or the new one. */
export async function writeIdentity(
  disk: Disk,
  directory: string,
  identity: Identity,
): Promise<void> {
  const { file, copy } = await find(disk, directory);
  const writes = 1 + Math.max(file?.writes ?? 0, copy?.writes ?? 0);
  await writeBoth(disk, directory, textOf({ identity, writes }));
}

/** Has both files say the same again. What cannot be written stays as it is: a start needs but one. */
export async function mendIdentity(disk: Disk, directory: string, logger: Logger): Promise<void> {
  const found = await find(disk, directory);
  const current = currentOf(found, directory);
  if (current === undefined) return;
  const text = textOf({ ...current, writes: Math.max(1, current.writes) });
  if (found.texts.every((each) => each === text)) return;
  const path = `${directory}/${fileName}`;
  const what = found.file === undefined
    ? `${path} is damaged: its copy, ${copyName}, says who the node is`
    : `${path} and its copy, ${copyName}, are not the same`;
  // An earlier release writes no sum and no copy: nothing is wrong.
  const isEarlier = found.file?.writes === 0 || found.texts[1] === undefined;
  try {
    await writeBoth(disk, directory, text);
    if (!isEarlier) logger.log("WARN", "cluster", `${what}; both are written anew`);
  } catch (error) {
    logger.log("WARN", "cluster", `${what}, and cannot be written anew: ${messageOf(error)}`);
  }
}

async function find(disk: Disk, directory: string): Promise<Found> {
  const texts = [
    await readText(disk, `${directory}/${fileName}`),
    await readText(disk, `${directory}/${copyName}`),
  ];
  const [file, copy] = texts.map((text) => text === undefined ? undefined : parse(text));
  return { texts, file, copy };
}

/** Throws where there is one, but not as it was written. */
function currentOf({ texts, file, copy }: Found, directory: string): Kept | undefined {
  if (texts[0] === undefined) return undefined;
  // An earlier release, which knows of no copy, may have written it again.
  if (file?.writes === 0) return file;
  const [later] = [file, copy].filter((each) => each !== undefined)
    .sort((a, b) => b.writes - a.writes);
  if (later !== undefined) return later;
  throw new Error(
    `${directory}/${fileName} is damaged: expected version 2 with a nodeId, an incarnation and a clusterId, and their sum. Restore it from a copy, or empty the directory and let the node join its cluster again`,
  );
}

/** The copy first: if a crash comes between the two, it is the later one, and nothing is built on it yet. */
async function writeBoth(disk: Disk, directory: string, text: string): Promise<void> {
  for (const name of [copyName, fileName]) {
    await writeFileAtomically(disk, `${directory}/${name}`, text);
  }
}

function textOf({ identity, writes }: Kept): string {
  return JSON.stringify({ ...identity, writes, sum: sumOf(identity, writes) }, null, 2) + "\n";
}

function sumOf({ nodeId, incarnation, clusterId }: Identity, writes: number): string {
  const text = JSON.stringify([nodeId, incarnation, clusterId, writes]);
  return checksum(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
}

/** Names of what a file has; one of an earlier release has no count and no sum. */
const keys = ["clusterId", "incarnation", "nodeId", "sum", "version", "writes"];
const earlierKeys = ["clusterId", "incarnation", "nodeId", "version"];

function parse(text: string): Kept | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { version, nodeId, incarnation, clusterId, writes, sum } = value as Record<
      string,
      unknown
    >;
    if (
      version !== 2 || typeof nodeId !== "string" || !matches(incarnation, /^[0-9a-f]{8}$/) ||
      typeof clusterId !== "string" || (clusterId !== "" && !isClusterId(clusterId))
    ) return undefined;
    const identity: Identity = { version, nodeId, incarnation, clusterId };
    const names = Object.keys(value).sort().join();
    if (names === earlierKeys.join()) return { identity, writes: 0 };
    const isWhole = names === keys.join() && typeof writes === "number" && writes > 0 &&
      sum === sumOf(identity, writes);
    return isWhole ? { identity, writes } : undefined;
  } catch {
    return undefined;
  }
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
