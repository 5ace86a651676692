import { messageOf } from "../../src/base/message_of.ts";
import { ask } from "./client.ts";
import { piecesOf } from "./pieces.ts";

/** A node as the stream has it; what is not known is absent. */
export interface LiveNode {
  readonly id: string;
  readonly api_addr: string;
  readonly addr: string;
  readonly suffrage: "voter" | "learner" | "staging";
  readonly leader: boolean;
  readonly reachable: boolean;
  readonly error?: string;
  readonly version?: string;
  readonly round_trip_ms?: number;
  readonly applied_index?: number;
  readonly lag_entries?: number;
  readonly lag_ms?: number;
  readonly database_bytes?: number;
  readonly log_bytes?: number;
  readonly free_bytes?: number;
  readonly up_ms?: number;
  readonly health?: string;
  readonly faults?: readonly LiveFault[];
}

/** What a node finds wrong with itself, as `raftlite doctor` would say it. */
export interface LiveFault {
  readonly grade: "warning" | "problem";
  readonly text: string;
  readonly advice: string;
}

/** The cluster as the node that is asked sees it. */
export interface LiveCluster {
  readonly at: number;
  readonly node: string;
  readonly cluster_id: string;
  readonly cluster_version: number;
  readonly term: number;
  readonly leader: string;
  readonly committed: number;
  readonly nodes: readonly LiveNode[];
}

export type FigureRow = readonly (number | null)[];

export interface LiveState {
  /** Undefined before the first report. */
  readonly cluster: LiveCluster | undefined;
  /** Of the values of a row. */
  readonly names: readonly string[];
  readonly rows: readonly FigureRow[];
  /** Why there is no stream now; undefined while there is. */
  readonly failure: string | undefined;
}

/** Before anything came. */
export const nothingYet: LiveState = {
  cluster: undefined,
  names: [],
  rows: [],
  failure: undefined,
};

/** Rows that are kept: of an hour, and some more. */
const rowsMax = 760;
const againMs = 1_500;
/** A stream on which nothing came for so long is taken for broken, in ms. */
const silentMsMax = 8_000;

/** Follows a node's figures until aborted, and tells of every change; begins anew when it breaks. */
export async function follow(
  signal: AbortSignal,
  changed: (state: LiveState) => void,
): Promise<void> {
  let state = nothingYet;
  const set = (change: Partial<LiveState>) => changed(state = { ...state, ...change });
  while (!signal.aborted) {
    const stream = new AbortController();
    const stop = () => stream.abort();
    signal.addEventListener("abort", stop);
    try {
      const after = state.rows.at(-1)?.[0] ?? 0;
      for await (
        const { name, data } of events(
          `/debug/figures?follow&after=${after}`,
          stream,
        )
      ) {
        if (name === "start") {
          set({ names: (data as { names: string[] }).names });
        }
        if (name === "nodes") {
          set({ cluster: data as LiveCluster, failure: undefined });
        }
        if (name === "figures") {
          const { rows } = data as { rows: FigureRow[] };
          set({
            rows: [...state.rows, ...rows].slice(-rowsMax),
            failure: undefined,
          });
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      set({ failure: messageOf(error) });
      await new Promise((resolve) => setTimeout(resolve, againMs));
    } finally {
      stream.abort();
      signal.removeEventListener("abort", stop);
    }
  }
}

interface Event {
  readonly name: string;
  readonly data: unknown;
}

async function* events(
  path: string,
  stream: AbortController,
): AsyncGenerator<Event> {
  let silence = setTimeout(() => stream.abort(), silentMsMax);
  try {
    const response = await ask(path, { signal: stream.signal });
    for await (const parts of piecesOf(response, "\n\n")) {
      clearTimeout(silence);
      silence = setTimeout(() => stream.abort(), silentMsMax);
      for (const part of parts) yield eventIn(part);
    }
  } catch (error) {
    throw stream.signal.aborted ? new Error("The node does not answer") : error;
  } finally {
    clearTimeout(silence);
  }
}

function eventIn(text: string): Event {
  const [, name = "", data = "null"] = /^event: (.*)\ndata: (.*)$/.exec(text) ??
    [];
  return { name, data: JSON.parse(data) };
}
