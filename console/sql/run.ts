import { messageOf } from "../../src/base/message_of.ts";
import { type Result, type Results, send, type Statement } from "../api/client.ts";
import { ExactNumber } from "../api/exact.ts";
import { may, type Who } from "../api/session.ts";
import { bytesOf } from "./export.ts";
import { parametersOf } from "./split.ts";

/** How a request is to be carried out. */
export interface RunOptions {
  readonly level: string;
  /** Such as 1s; "" for any. Counts at level none. */
  readonly freshness: string;
  readonly transaction: boolean;
  /** The open transaction that they are of; undefined for none. */
  readonly tx: string | undefined;
}

export type ParameterKind = "text" | "number" | "null" | "blob";

export interface ParameterValue {
  readonly kind: ParameterKind;
  readonly text: string;
}

/** What one parameter is asked for under. */
export interface Slot {
  readonly key: string;
  readonly label: string;
}

/** Named parameters are one for all statements, `?` each for itself. */
export function slotsOf(statements: readonly string[]): readonly Slot[] {
  const slots = new Map<string, Slot>();
  for (const [number, sql] of statements.entries()) {
    const { named, positions } = parametersOf(sql);
    for (const key of named) slots.set(key, { key, label: key });
    for (let place = 1; place <= positions; place++) {
      const key = `${number}?${place}`;
      const where = statements.length > 1 ? `, statement ${number + 1}` : "";
      slots.set(key, { key, label: `?${place}${where}` });
    }
  }
  return [...slots.values()];
}

/** A parameter as it is sent; throws when it is not what it is said to be. */
export function bound({ kind, text }: ParameterValue): unknown {
  switch (kind) {
    case "null":
      return null;
    case "number":
      if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text.trim())) {
        throw new Error(`“${text}” is no number`);
      }
      return new ExactNumber(text.trim());
    case "blob":
      return bytesTyped(text);
    default:
      return text;
  }
}

function bytesTyped(text: string): number[] {
  const digits = text.replace(/\s/g, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new Error("A blob is pairs of hexadecimal digits");
  }
  return bytesOf(digits);
}

const noValue: ParameterValue = { kind: "text", text: "" };

/** Statements with the values that are given for their parameters. */
export function withParameters(
  statements: readonly string[],
  values: Readonly<Record<string, ParameterValue>>,
): readonly Statement[] {
  return statements.map((sql, number) => {
    const { named, positions } = parametersOf(sql);
    const positional = Array.from(
      { length: positions },
      (_, place) => bound(values[`${number}?${place + 1}`] ?? noValue),
    );
    if (named.length === 0) return [sql, ...positional];
    const byName = named.map((name) => [name.slice(1), bound(values[name] ?? noValue)] as const);
    return [sql, ...positional, Object.fromEntries(byName)];
  });
}

/** The route that somebody's rights allow; what else it refuses, it says why. */
function routeFor(who: Who): string {
  if (!may(who, "query")) return "/db/execute";
  return may(who, "execute") ? "/db/request" : "/db/query";
}

/** Runs statements. Aborting ends them in SQLite, too: the node sees that nobody waits any more. */
export async function run(
  who: Who,
  statements: readonly Statement[],
  { level, freshness, transaction, tx }: RunOptions,
  signal: AbortSignal,
): Promise<Results> {
  const options = new URLSearchParams(tx === undefined ? { level } : { tx });
  if (level === "none" && freshness !== "") options.set("freshness", freshness);
  const sendAs = (form: string) =>
    send(
      `${routeFor(who)}?timings&${form}${transaction ? "&transaction" : ""}&${options}`,
      statements,
      signal,
    );
  try {
    return await sendAs("exact");
  } catch (error) {
    if (!unknownForm.test(messageOf(error))) throw error;
    // Nothing was carried out: a cluster that an older release may be in takes no such writes.
    return await sendAs("blob_array");
  }
}

/** How a cluster of an earlier version refuses it. */
const unknownForm = /exact needs version \d+ in writes/;

/** A step of SQLite's plan, with those below it. */
export interface PlanStep {
  readonly detail: string;
  readonly steps: readonly PlanStep[];
}

/** The tree of the rows of EXPLAIN QUERY PLAN. */
export function planOf(
  { values = [] }: Result,
  parent = 0,
): readonly PlanStep[] {
  return values.filter((row) => row[1] === parent).map((row) => ({
    detail: String(row[3]),
    steps: planOf({ values }, Number(row[0])),
  }));
}

/** What a step costs, as far as its words tell. */
export function costOf(detail: string): "scan" | "sort" | "search" | "other" {
  if (
    /^SCAN (?!CONSTANT)(?!.* USING (?:COVERING )?INDEX)(?!.*VIRTUAL TABLE)/
      .test(detail)
  ) {
    return "scan";
  }
  if (/^USE TEMP B-TREE/.test(detail)) return "sort";
  return /^SEARCH\b/.test(detail) ? "search" : "other";
}
