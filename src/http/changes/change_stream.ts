import { assert } from "../../base/assert.ts";
import {
  type ChangeGroup,
  type ChangeLog,
  type ChangePosition,
  ChangesTruncatedError,
  positionBehind,
} from "../../changes/types.ts";
import { newsWithin } from "../streams/heartbeat.ts";
import { heartbeatText, messageText, type StreamForm } from "../streams/stream_form.ts";
import type { DebeziumOptions } from "../../changes/debezium.ts";
import { changesJson, eventsJson, isWanted, shapeJson, type TableFilter } from "./change_json.ts";
import { positionText } from "./position.ts";
import type { Followers } from "./followers.ts";

/** After so long a follower is to ask again, in ms. */
const followedMsMax = 3_600_000;
/** What one read of the change log may become as text, about. */
const pieceBytes = 1024 * 1024;
/** Tables whose columns one follower has been told of, before they are told anew. */
const shapesMax = 1000;

interface StreamOptions {
  readonly log: ChangeLog;
  readonly followers: Pick<Followers, "reads" | "turn" | "underWay">;
  readonly from: ChangePosition;
  readonly filter: TableFilter;
  readonly form: StreamForm;
  /** Events in Debezium's envelope, in place of changes. */
  readonly debezium: DebeziumOptions | undefined;
  /** False once the follower may have other rights than those of `filter`: it is to ask again. */
  readonly mayGoOn: () => boolean;
  /** Aborted when the follower has gone, or is given up. */
  readonly gone: AbortController;
}

/**
 * What one follower is told, piece by piece as it asks for more: so one who is slow holds nothing
 * here, and reads on from the disk. Each piece says where to go on from.
 */
export async function* changeStream(options: StreamOptions): AsyncGenerator<string> {
  const { log, followers, form, mayGoOn, gone } = options;
  const { signal } = gone;
  const endsAt = performance.now() + followedMsMax;
  const told = new Map<string, string>();
  let position = options.from;
  yield piece(form, "start", position, { oldest: String(log.status.oldest) });
  while (!signal.aborted && performance.now() < endsAt) {
    await followers.turn();
    if (!mayGoOn()) break;
    let isNews = false;
    try {
      yield* followers.underWay.carry(gone, pieceBytes, () => {
        let text = "";
        const { groups, next } = followers.reads.read(position);
        for (const group of groups) text += groupPiece(group, options, told);
        position = next;
        isNews = text !== "";
        return text;
      });
    } catch (error) {
      if (!(error instanceof ChangesTruncatedError)) throw error;
      const { message, oldest } = error;
      yield piece(form, "end", position, { error: message, oldest: String(oldest) });
      return;
    }
    if (!isNews) {
      const { index } = position;
      const isNew = await newsWithin(signal, (signal) => log.wait(index, signal));
      if (!isNew && !signal.aborted) yield heartbeat(form, position);
    }
  }
  yield piece(form, "end", position, {});
}

/** @param told The shapes of tables that the follower knows. */
function groupPiece(
  group: ChangeGroup,
  { filter, form, debezium }: Pick<StreamOptions, "filter" | "form" | "debezium">,
  told: Map<string, string>,
): string {
  const changes = debezium === undefined
    ? changesJson(group, filter)
    : eventsJson(group, filter, debezium);
  if (changes === "") return "";
  const { index, time, first, complete } = group;
  const next = positionText(positionBehind(group));
  const content = debezium === undefined
    ? `${tablesJson(group, filter, told)}"changes":${changes}`
    : `"events":${changes}`;
  const data = `{"next":"${next}","index":${index},"time":${time},` +
    `"first":${first},"complete":${complete},${content}}`;
  return messageText(form, { id: next, event: "changes", data });
}

/** Those that the follower does not know as they are now. */
function tablesJson(group: ChangeGroup, filter: TableFilter, told: Map<string, string>): string {
  const shapes = new Map<string, string>();
  for (const change of group.changes) {
    if (change.type !== "row" || !isWanted(change, filter)) continue;
    const { table } = change;
    const shape = shapeJson(table);
    if (told.get(table.name) !== shape) shapes.set(table.name, shape);
  }
  if (shapes.size === 0) return "";
  if (told.size + shapes.size > shapesMax) told.clear();
  const members = Array.from(shapes, ([name, shape]) => {
    told.set(name, shape);
    return `${JSON.stringify(name)}:${shape}`;
  });
  return `"tables":{${members.join(",")}},`;
}

function piece(
  form: StreamForm,
  name: "start" | "end",
  position: ChangePosition,
  data: Readonly<Record<string, string>>,
): string {
  const next = positionText(position);
  const members = form === "lines" ? { [name]: true, next, ...data } : { next, ...data };
  return messageText(form, { id: next, event: name, data: JSON.stringify(members) });
}

function heartbeat(form: StreamForm, position: ChangePosition): string {
  const next = positionText(position);
  assert(!next.includes("\n"), "A position is one line");
  return heartbeatText(form, { id: next, data: `{"next":"${next}"}` });
}
