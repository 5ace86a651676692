import { serviceErrorFor } from "./errors.ts";
import { BatchRun } from "./batch_run.ts";
import { cutShort, linesOf, type Outcome } from "./results.ts";
import type { StatementRunner } from "./statement_runner.ts";
import type { Stream } from "./stream.ts";
import type { Batch } from "./types.ts";
import { messageOf } from "../../base/message_of.ts";
import type { HranaError } from "./errors.ts";

interface Cursor {
  readonly stream: Stream;
  readonly batch: Batch;
  readonly runner: StatementRunner;
  readonly baton: string;
}

const encoder = new TextEncoder();

/** Characters that are sent together. */
const pieceMin = 16 * 1024;

/** The answer to POST /v3/cursor: a line of JSON for each thing that happens, as it does. */
export async function* cursorLines(cursor: Cursor): AsyncGenerator<Uint8Array> {
  let piece = "";
  for await (const line of entries(cursor)) {
    piece += `${line}\n`;
    if (piece.length < pieceMin) continue;
    yield encoder.encode(piece);
    piece = "";
  }
  yield encoder.encode(piece);
}

async function* entries({ stream, batch, runner, baton }: Cursor): AsyncGenerator<string> {
  const leave = await stream.enter();
  let isDone = false;
  try {
    yield `{"baton":${JSON.stringify(baton)},"base_url":null}`;
    const run = new BatchRun(stream, batch, runner);
    for await (const { step, outcome } of run.outcomes()) {
      for await (const line of stepEntries(step, outcome)) {
        if ("error" in line) {
          run.failedLate(step);
          yield errorEntry(step, line.error);
        } else yield line.entry;
      }
    }
    isDone = true;
    if (runner.seenIndex !== undefined) {
      yield `{"type":"replication_index","replication_index":"${runner.seenIndex}"}`;
    }
  } catch (error) {
    const told = serviceErrorFor(error) ?? { message: messageOf(error), code: "INTERNAL_ERROR" };
    yield `{"type":"error","error":${JSON.stringify(told)}}`;
  } finally {
    // Its client has gone, or cannot know how far it came.
    if (!isDone) await stream.close(runner);
    leave();
  }
}

type StepEntry = { readonly entry: string } | { readonly error: HranaError };

const rowsStart = ',"rows":[';

async function* stepEntries(step: number, outcome: Outcome): AsyncGenerator<StepEntry> {
  if (outcome.type === "failed") {
    yield outcome;
    return;
  }
  let isFirst = true;
  for await (const line of linesOf(outcome.result)) {
    if (isFirst) {
      isFirst = false;
      const at = line.lastIndexOf(rowsStart);
      yield { entry: `{"type":"step_begin","step":${step},${line.slice(1, at)}}` };
      const rest = line.slice(at + rowsStart.length);
      if (rest !== "") yield lastEntry(rest);
    } else if (line.startsWith("]")) yield lastEntry(line);
    else yield { entry: `{"type":"row","row":${line.startsWith(",") ? line.slice(1) : line}}` };
  }
}

/** Of `],"affected_row_count":0,"last_insert_rowid":null}`, or of a result that was cut short. */
function lastEntry(line: string): StepEntry {
  const error = cutShort(line);
  if (error !== undefined) return { error };
  return { entry: `{"type":"step_end",${line.slice(2)}` };
}

function errorEntry(step: number, error: HranaError): string {
  return `{"type":"step_error","step":${step},"error":${JSON.stringify(error)}}`;
}
