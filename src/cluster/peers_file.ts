import type { Disk } from "../io/types.ts";
import { membersMax } from "../raft/configuration.ts";
import type { Configuration, Member } from "../raft/types.ts";

/** A `peers.json` that does not say what it must. */
export class PeersFileError extends Error {
  override name = "PeersFileError";
}

/**
 * Reads the members that an operator names after the loss of a majority, in rqlite's format:
 * `[{"id": "1", "address": "10.0.0.1:4002", "non_voter": false}, …]`. undefined without a file.
 * HTTP addresses are not in it: each node announces its own when it is back.
 */
export async function readPeersFile(disk: Disk, path: string): Promise<Configuration | undefined> {
  if (!await disk.exists(path)) return undefined;
  const file = await disk.open(path, { create: false });
  try {
    return parse(path, new TextDecoder().decode(await file.read(0, await file.size())));
  } finally {
    file.close();
  }
}

function parse(path: string, text: string): Configuration {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PeersFileError(`${path} is not JSON: ${reason}`);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > membersMax) {
    throw new PeersFileError(`${path} must be an array of 1 to ${membersMax} nodes`);
  }
  const members = value.map((item, i) => memberOf(path, item, i));
  if (new Set(members.map((member) => member.id)).size < members.length) {
    throw new PeersFileError(`${path} names a node twice`);
  }
  if (!members.some((member) => member.suffrage === "voter")) {
    throw new PeersFileError(`${path} names no voter`);
  }
  return { members: members.sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

function memberOf(path: string, item: unknown, position: number): Member {
  const { id, address, non_voter: nonVoter = false } =
    (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
  if (typeof id !== "string" || typeof address !== "string" || typeof nonVoter !== "boolean") {
    throw new PeersFileError(
      `${path}: node ${
        position + 1
      } needs "id" and "address" as texts, and "non_voter" as true or false`,
    );
  }
  return { id, address, httpAddress: "", suffrage: nonVoter ? "learner" : "voter" };
}
