import { gunzipSync, gzipSync } from "node:zlib";
import type { SentRequest } from "./request_series.ts";

/** An answer, without what differs each time. */
export interface RecordedAnswer {
  readonly status: number;
  /** Content-Type; "" for none. */
  readonly type: string;
  readonly body: string;
}

export interface RecordedStep {
  readonly request: SentRequest;
  readonly answer: RecordedAnswer;
}

/** What a server answered to the requests of one seed, in their order. */
export interface RecordedSeries {
  readonly seed: bigint;
  readonly steps: readonly RecordedStep[];
}

/** Sends one request to the server at `url`. */
export async function ask(url: string, request: SentRequest): Promise<RecordedAnswer> {
  const { method, path, body, type = "application/json" } = request;
  const response = await fetch(url + path, {
    method,
    redirect: "manual",
    ...(body === undefined ? {} : { body, headers: { "content-type": type } }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    body: withoutMoment(await response.text()),
  };
}

/** How long something took, and where in the log it is, are no two times the same. */
function withoutMoment(body: string): string {
  return body.replace(/"(time|raft_index)":( ?)[\d.e+-]+/g, '"$1":$2<$1>');
}

const json = "application/json; charset=utf-8";

/**
 * The series as text: a line `series SEED`, then one a request, as JSON: method, path, status and
 * body of the answer, body of the request, content types of both. What is at the end and usual,
 * JSON both ways, is left out.
 */
function textOf(series: readonly RecordedSeries[]): string {
  const lines = series.flatMap(({ seed, steps }) => [`series ${seed}`, ...steps.map(lineOf)]);
  return `${lines.join("\n")}\n`;
}

function lineOf({ request, answer }: RecordedStep): string {
  const { method, path, body, type } = request;
  const line: unknown[] = [method, path, answer.status, answer.body, body, answer.type, type];
  if (type === undefined) line.pop();
  if (type === undefined && answer.type === json) line.pop();
  return JSON.stringify(line);
}

/** Writes the series to a file, compressed. */
export async function writeRecording(
  path: string,
  series: readonly RecordedSeries[],
): Promise<void> {
  const bytes = new TextEncoder().encode(textOf(series));
  await Deno.writeFile(path, gzipSync(bytes, { level: 9 }));
}

/** The series of a file that `writeRecording` wrote. */
export async function readRecording(path: string | URL): Promise<RecordedSeries[]> {
  return seriesOf(new TextDecoder().decode(gunzipSync(await Deno.readFile(path))));
}

function seriesOf(text: string): RecordedSeries[] {
  const all: { seed: bigint; steps: RecordedStep[] }[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const [, seed] = /^series (\d+)$/.exec(line) ?? [];
    if (seed !== undefined) all.push({ seed: BigInt(seed), steps: [] });
    else all.at(-1)?.steps.push(stepOf(line));
  }
  return all;
}

function stepOf(line: string): RecordedStep {
  const [method, path, status, answered, body, answerType = json, type] = JSON.parse(line);
  return {
    request: {
      method,
      path,
      ...(body === null || body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { type }),
    },
    answer: { status, body: answered, type: answerType },
  };
}
