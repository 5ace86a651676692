import { EntryType } from "../../src/raft/types.ts";
import type { Configuration, Entry, Message, Ready } from "../../src/raft/types.ts";

/** Messages, entries and Readys in the words of the scripts. */

export function describeEntry(entry: Entry): string {
  const place = `${entry.index}/${entry.term}`;
  if (entry.type === EntryType.noop) return `${place} noop`;
  return `${place} ${entry.type === EntryType.command ? "command" : "configuration"}`;
}

/** One entry in full, more of them by the first and the last. */
export function describeEntries(entries: readonly Entry[]): string {
  const first = entries[0];
  const last = entries[entries.length - 1];
  if (first === undefined || last === undefined) return "no entries";
  if (entries.length <= 3) return `[${entries.map(describeEntry).join(", ")}]`;
  return `[${describeEntry(first)} to ${describeEntry(last)}]`;
}

export function describeConfiguration({ members }: Configuration): string {
  return members.map(({ id, suffrage }) => `${id}=${suffrage}`).join(" ");
}

export function describeMessage(message: Message): string {
  return `${message.from}>${message.to} term ${message.term}: ${describeBody(message)}`;
}

function describeBody(message: Message): string {
  switch (message.type) {
    case "vote_request": {
      const what = message.preVote ? "pre-vote request" : "vote request";
      const transfer = message.leadershipTransfer ? ", for a transfer" : "";
      return `${what}, log ends ${message.lastLogIndex}/${message.lastLogTerm}${transfer}`;
    }
    case "vote_response":
      return `${message.preVote ? "pre-vote" : "vote"} ${message.granted ? "granted" : "refused"}`;
    case "append_request":
      return `append behind ${message.prevLogIndex}/${message.prevLogTerm} ` +
        `${describeEntries(message.entries)}, commit ${message.commitIndex}`;
    case "append_response":
      if (message.success) return `appended through ${message.matchIndex}`;
      return `refused behind ${message.rejectedIndex}, ` +
        `perhaps ${message.hintIndex}/${message.hintTerm}`;
    case "heartbeat_request":
      return `heartbeat, round ${message.round}, commit ${message.commitIndex}`;
    case "heartbeat_response":
      return `heartbeat answered, round ${message.round}`;
    case "snapshot_request":
      return `snapshot at ${message.index}/${message.indexTerm} follows`;
    case "read_index_request":
      return `read index wanted (${message.mode})`;
    case "read_index_response":
      return message.index === 0 ? "no read index here" : `read index ${message.index}`;
    case "timeout_now":
      return "campaign now";
  }
}

/** What a Ready asks for, a line for each kind; `readName` tells what read a context stands for. */
export function describeReady(ready: Ready, readName: (context: number) => number): string[] {
  const lines: string[] = [];
  if (ready.status !== undefined) {
    const { role, term, leader } = ready.status;
    lines.push(`${role} in term ${term}, leader ${leader === "" ? "unknown" : leader}`);
  }
  if (ready.hardState !== undefined) {
    const { term, votedFor } = ready.hardState;
    lines.push(`persist term ${term}, vote for ${votedFor === "" ? "nobody" : votedFor}`);
  }
  if (ready.entries.length > 0) lines.push(`persist ${describeEntries(ready.entries)}`);
  if (ready.configuration !== undefined) {
    lines.push(`configuration ${describeConfiguration(ready.configuration)}`);
  }
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  for (const message of ready.messagesAfterPersist) {
    lines.push(`then send ${describeMessage(message)}`);
  }
  for (const { context, index } of ready.readStates) {
    lines.push(`read ${readName(context)} at ${index}`);
  }
  for (const context of ready.readsDropped) lines.push(`read ${readName(context)} dropped`);
  for (const { to, from } of ready.loads) lines.push(`load from ${from} for ${to}`);
  for (const to of ready.snapshots) lines.push(`stream a snapshot to ${to}`);
  return lines;
}
