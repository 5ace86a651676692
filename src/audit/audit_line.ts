import type { AuditDetails, AuditEvent } from "./types.ts";

/** Bounds of what a line holds: texts in characters, of which strangers may choose some. */
const textMax = 512;
const sqlMax = 4096;
const itemsMax = 64;

export interface LineContext {
  /** In ms since 1970. */
  readonly wallTime: number;
  /** This node's id, as its operator named it. */
  readonly node: string;
  /** Events before this one that are in no line. */
  readonly lost: number;
  readonly withSql: boolean;
}

/** An event as one line of JSON. A text that is cut ends with `…`. */
export function auditLine(event: AuditEvent, context: LineContext): string {
  const { what, outcome, requester, claimedUser, through, details = {}, sql } = event;
  const line = {
    time: new Date(context.wallTime).toISOString(),
    node: context.node,
    what,
    outcome,
    user: requester?.username,
    claimed_user: claimedUser,
    address: requester?.address || undefined,
    through_node: through?.node,
    through_address: through?.address,
    ...details,
  };
  return `${
    JSON.stringify({
      ...bounded(line),
      sql: context.withSql && sql !== undefined ? cut(sql, sqlMax) : undefined,
      lost_before: context.lost > 0 ? context.lost : undefined,
    })
  }\n`;
}

function bounded(details: AuditDetails): AuditDetails {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, boundedValue(value)]),
  );
}

function boundedValue(value: AuditDetails[string]): AuditDetails[string] {
  if (typeof value === "string") return cut(value, textMax);
  if (typeof value !== "object") return value;
  const items = value.slice(0, itemsMax).map((item) => cut(item, textMax));
  return value.length > itemsMax ? [...items, "…"] : items;
}

function cut(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}
