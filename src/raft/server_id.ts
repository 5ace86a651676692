import type { NodeId } from "./types.ts";

/** What {@linkcode serverId} puts behind a name. */
const incarnationPattern = /\/[0-9a-f]{8}$/;

/**
 * The id by which servers know each other: the name that the operator gave the node, and the
 * incarnation that was drawn when its log began (8 hex digits).
 *
 * Raft's proofs are about servers that forget nothing (thesis, 3.8). A node that has lost its disk
 * has forgotten votes and acknowledgements, and while it replays the log it passes through
 * configurations that name its former self as a voter. With an id of its own it is a new server,
 * for which nobody takes it but the configuration that let it in.
 */
export function serverId(name: string, incarnation: string): NodeId {
  return `${name}/${incarnation}`;
}

/** The operator's name of a server: what people are shown. */
export function nodeName(id: NodeId): string {
  return id.replace(incarnationPattern, "");
}
