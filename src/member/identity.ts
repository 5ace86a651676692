import { isClusterId } from "../transport/handshake.ts";
import type { Disk } from "../io/types.ts";
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

const fileName = "node.json";

/** The identity of a data directory; undefined when it has none yet. Throws when it cannot be read. */
export async function readIdentity(disk: Disk, directory: string): Promise<Identity | undefined> {
  const path = `${directory}/${fileName}`;
  const text = await readText(disk, path);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  throw new Error(
    `${path} is damaged: expected version 2 with a nodeId, an incarnation and a clusterId. Restore it from a copy, or empty the directory and let the node join its cluster again`,
  );
}

function parse(text: string): Identity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { version, nodeId, incarnation, clusterId } = value as Record<string, unknown>;
    if (
      version !== 2 || typeof nodeId !== "string" || !matches(incarnation, /^[0-9a-f]{8}$/) ||
      typeof clusterId !== "string" || (clusterId !== "" && !isClusterId(clusterId))
    ) return undefined;
    return { version, nodeId, incarnation, clusterId };
  } catch {
    return undefined;
  }
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

/** Writes the identity so that a crash leaves the old one or the new one. */
export async function writeIdentity(
  disk: Disk,
  directory: string,
  identity: Identity,
): Promise<void> {
  const path = `${directory}/${fileName}`;
  await writeFileAtomically(disk, path, JSON.stringify(identity, null, 2) + "\n");
}
