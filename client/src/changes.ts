import { type ChangeGroup, readMessage } from "./change_group.ts";
import { ChangesLost } from "./errors.ts";
import type { Integers } from "./exact_json.ts";
import type { ChangesOptions } from "./options.ts";
import { follow, NotServed, type StreamParts } from "./stream.ts";

interface Parts extends StreamParts {
  readonly integers: Integers;
  readonly saw: (index: number) => void;
}

/** See Client.changes. */
export async function* followChanges(
  parts: Parts,
  { from, tables, signal }: ChangesOptions,
): AsyncGenerator<ChangeGroup, void, undefined> {
  let position = from;
  const messages = follow(parts, {
    what: "changes",
    signal,
    call: () => ({
      method: "GET",
      path: "/db/changes",
      parameters: {
        format: "ndjson",
        from: position,
        tables: tables?.join(","),
      },
    }),
    read: (line) => {
      const message = readMessage(line, parts.integers);
      position = message.next;
      if (message.error !== undefined) {
        throw new NotServed(new ChangesLost(message.error));
      }
      return message;
    },
  });
  for await (const { group } of messages) {
    if (group === undefined) continue;
    parts.saw(group.index);
    yield group;
  }
}
