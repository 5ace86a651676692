import { FormatError } from "../base/bytes.ts";
import { soundConfiguration } from "./configuration.ts";
import type { Server } from "./server.ts";
import { type AppendRequest, EntryType, type Message, type SnapshotRequest } from "./types.ts";

/** No cluster gets so far; one more is still a whole number, and so are all sums. */
export const numberMax = 2 ** 48;

/** What a leader knows that answers to it can contradict. */
interface Leading {
  /** The round of heartbeats that it began last. */
  readonly latestRound: number;
}

/**
 * Why no sound server can have sent `message`, of this server's term or a newer one; undefined when
 * one can. Such a message is input, whatever its sender is: nothing is done on it, which is as if the
 * network had lost it. What is wrong may as well be here, but it shows in nothing that is here; so
 * this server goes on with what it has, and its operator reads who contradicts whom.
 *
 * @param leading Set while this server leads its term.
 */
export function implausible(
  server: Server,
  message: Message,
  leading: Leading | undefined,
): string | undefined {
  if (message.term > numberMax) return `Term ${message.term} is out of range`;
  // Of a newer term: this server leads it no more by then.
  const own = message.term === server.term ? leading : undefined;
  switch (message.type) {
    case "append_request":
      return otherLeader(message, own) ?? contradictedEntry(server, message) ??
        unsoundEntry(message);
    case "heartbeat_request":
      return otherLeader(message, own);
    case "snapshot_request":
      return otherLeader(message, own) ?? contradictedPoint(server, message);
    case "append_response":
      return own !== undefined && message.success && message.matchIndex > server.log.lastIndex
        ? `It acknowledges index ${message.matchIndex}, but the log ends at ${server.log.lastIndex}`
        : undefined;
    case "heartbeat_response":
      return own !== undefined && message.round > own.latestRound
        ? `It answers round ${message.round}, but the last one was ${own.latestRound}`
        : undefined;
    default:
      return undefined;
  }
}

/** A term has one leader (3.4). */
function otherLeader({ term }: Message, own: Leading | undefined): string | undefined {
  return own === undefined ? undefined : `It leads term ${term}, which this node leads`;
}

/** What is committed is in the log of every later leader (3.6.3). */
function contradictedEntry(
  { log, commitIndex }: Server,
  { term, prevLogIndex, prevLogTerm, entries }: AppendRequest,
): string | undefined {
  const contradicts = (index: number, entryTerm: number) => {
    const known = index > commitIndex ? undefined : log.termAt(index);
    return known === undefined || known === entryTerm
      ? undefined
      : `The leader of term ${term} has an entry ${index} of term ${entryTerm}; the one that is committed here is of term ${known}`;
  };
  const atFront = contradicts(prevLogIndex, prevLogTerm);
  if (atFront !== undefined) return atFront;
  for (let i = 0; i < entries.length && prevLogIndex + 1 + i <= commitIndex; i++) {
    const wrong = contradicts(prevLogIndex + 1 + i, entries[i]?.term ?? 0);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function contradictedPoint(
  { log, commitIndex }: Server,
  { term, index, indexTerm }: SnapshotRequest,
): string | undefined {
  const known = index > commitIndex ? undefined : log.termAt(index);
  return known === undefined || known === indexTerm
    ? undefined
    : `The leader of term ${term} has compacted through ${index} of term ${indexTerm}; the entry that is committed here is of term ${known}`;
}

/** A configuration takes effect when it is appended (4.1): it must say who the members are by then. */
function unsoundEntry({ prevLogIndex, entries }: AppendRequest): string | undefined {
  if (prevLogIndex + entries.length > numberMax) return `Index ${prevLogIndex} is out of range`;
  for (const { type, index, data } of entries) {
    if (type !== EntryType.configuration) continue;
    try {
      soundConfiguration(data);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return `Entry ${index} is no configuration: ${error.message}`;
    }
  }
  return undefined;
}
