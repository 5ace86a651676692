import type { Server } from "./server.ts";
import type { Message } from "./types.ts";

/**
 * Answers a message of an older term where silence could leave its sender, or this server, stuck:
 * a leader learns of the newer term by a refused append, whatever it sent, and a candidate by a
 * refused vote. Everything else of an older term is void (3.3).
 */
export function answerOldTerm(server: Server, message: Message): void {
  const { id, term, outbox } = server;
  const envelope = { from: id, to: message.from, term };
  switch (message.type) {
    case "append_request":
    case "heartbeat_request":
    case "snapshot_request":
      outbox.messages.push({
        ...envelope,
        type: "append_response",
        success: false,
        matchIndex: 0,
        rejectedIndex: 0,
        hintIndex: 0,
        hintTerm: 0,
      });
      break;
    case "vote_request": {
      const { preVote } = message;
      outbox.messages.push({ ...envelope, type: "vote_response", preVote, granted: false });
      break;
    }
    case "read_index_request": {
      const { context } = message;
      outbox.messages.push({ ...envelope, type: "read_index_response", context, index: 0 });
      break;
    }
    default:
      break;
  }
}
