import { EntryType, type Message } from "../raft/types.ts";
import type { CommandCodec } from "./types.ts";

/**
 * Why this node could not apply one of the entries that it is sent, if it could not: of a newer
 * version, say. In its log, and committed, it would stop the node; refused, it keeps this node from
 * following, and no other from anything.
 */
export function unknownCommand(
  message: Message,
  codec: Pick<CommandCodec, "unknown">,
): string | undefined {
  if (message.type !== "append_request") return undefined;
  for (const { type, index, data } of message.entries) {
    const why = type === EntryType.command ? codec.unknown(data) : undefined;
    if (why !== undefined) return `Entry ${index} cannot be taken in: ${why}`;
  }
  return undefined;
}
