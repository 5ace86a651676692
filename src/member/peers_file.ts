import { messageOf } from "../base/message_of.ts";
import type { Disk } from "../io/types.ts";
import { membersMax } from "../raft/configuration.ts";
import { type Configuration, type Member, type NodeId, nodeName } from "../raft/types.ts";
import { readText } from "./atomic_file.ts";

/** A `peers.json` that does not say what it must. */
export class PeersFileError extends Error {
  override name = "PeersFileError";
}

/** A node that an operator names: the id is the node's name. */
export interface NamedPeer {
  readonly id: string;
  readonly address: string;
  readonly nonVoter: boolean;
}

/**
 * Reads the nodes that an operator names after the loss of a majority, in rqlite's format:
 * `[{"id": "1", "address": "10.0.0.1:4002", "non_voter": false}, …]`. undefined without a file.
 */
export async function readPeersFile(disk: Disk, path: string): Promise<NamedPeer[] | undefined> {
  const text = await readText(disk, path);
  return text === undefined ? undefined : parse(path, text);
}

function parse(path: string, text: string): NamedPeer[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = messageOf(error);
    throw new PeersFileError(`${path} is not JSON: ${reason}`);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > membersMax) {
    throw new PeersFileError(`${path} must be an array of 1 to ${membersMax} nodes`);
  }
  const peers = value.map((item, i) => peerOf(path, item, i));
  if (new Set(peers.map((peer) => peer.id)).size < peers.length) {
    throw new PeersFileError(`${path} names a node twice`);
  }
  if (peers.every((peer) => peer.nonVoter)) {
    throw new PeersFileError(`${path} names no voter`);
  }
  return peers;
}

function peerOf(path: string, item: unknown, position: number): NamedPeer {
  const { id, address, non_voter: nonVoter = false } =
    (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof address !== "string" || typeof nonVoter !== "boolean") {
    throw new PeersFileError(
      `${path}: node ${
        position + 1
      } needs "id" and "address" as texts, and "non_voter" as true or false`,
    );
  }
  return { id, address, nonVoter };
}

/**
 * The configuration of the nodes named, each as the server that the log knows by that name:
 * `configurations` are those that it holds, oldest first. This node is `self`. Throws a PeersFileError for a name that the log has never had as a member's: a
 * node without data cannot be left from a cluster. HTTP addresses are not in the file: each node
 * announces its own when it is back.
 */
export function survivors(
  peers: readonly NamedPeer[],
  configurations: readonly Configuration[],
  self: NodeId,
): Configuration {
  const ids = new Map<string, NodeId>();
  for (const { members } of configurations) {
    for (const { id } of members) ids.set(nodeName(id), id);
  }
  ids.set(nodeName(self), self);
  const members = peers.map(({ id: name, address, nonVoter }): Member => {
    const id = ids.get(name);
    if (id === undefined) {
      const known = [...ids.keys()].join(", ");
      throw new PeersFileError(
        `peers.json names node ${name}, of which this node's log knows nothing (it knows ${known}): name the nodes that are left of the old cluster, and let others join it when it runs again`,
      );
    }
    return { id, address, httpAddress: "", suffrage: nonVoter ? "learner" : "voter" };
  });
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  // What the logs hold may need the version that they were written under.
  const newest = configurations.at(-1);
  return newest === undefined ? { members } : { ...newest, members };
}
