import { contradiction } from "./conformance.ts";
import type { Answer, Step } from "./step.ts";

/** Whose answers are expected: rqlite's own, to prove the tables, or raftlite's. */
export type Target = "rqlite" | "raftlite";

const placeholders: Readonly<Record<string, string>> = {
  time: "\\d+(?:\\.\\d+)?(?:e-\\d+)?",
  duration: "[\\dhmsnµ.]+",
  version: '[^"]+',
  sequence: "\\d{10,}",
  count: "\\d+",
  index: "[1-9]\\d*",
  id: '[^"]+',
  http: '[^"/]+:\\d+',
  raft: '[^"/]+:\\d+',
  any: "[\\s\\S]*",
};

/** Sends a request to a path of the server: over the network, or to an app in this process. */
export type Ask = (path: string, init: RequestInit) => Promise<Response>;

/** Headers that rqlite puts on all of its answers. */
const everyAnswer: Readonly<Record<string, string | null>> = {
  "access-control-allow-headers": "Content-Type",
  "access-control-allow-methods": "OPTIONS, GET, POST, DELETE",
  "access-control-allow-origin": null,
  "x-rqlite-version": "<version>",
};

/** A pattern that matches exactly what is expected, with its placeholders. */
export function expectedPattern(expected: string): RegExp {
  const source = expected.split(/(<[a-z]+>)/).map((part) =>
    placeholders[part.slice(1, -1)] !== undefined && /^<[a-z]+>$/.test(part)
      ? placeholders[part.slice(1, -1)]
      : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  ).join("");
  return new RegExp(`^${source}$`);
}

/**
 * Sends the steps in order through `ask` and returns what was answered otherwise than the steps, or
 * raftlite's description of its API, say, a message each.
 */
export async function replay(
  steps: readonly Step[],
  ask: Ask,
  target: Target,
): Promise<string[]> {
  const failures: string[] = [];
  for (const step of steps) {
    const expected = target === "raftlite" ? step.raftlite ?? step : step;
    const response = await send(step, ask);
    const body = await response.text();
    for (const difference of differences(expected, response, body)) {
      failures.push(`${step.send} ${step.body ?? ""}\n  ${difference}`);
    }
    const undescribed = target === "raftlite" ? undescribedIn(step, response, body) : undefined;
    if (undescribed !== undefined) failures.push(`${step.send} by openapi.json: ${undescribed}`);
  }
  return failures;
}

function undescribedIn(step: Step, response: Response, body: string): string | undefined {
  const [method = "", path = ""] = methodAndPath(step);
  const type = response.headers.get("content-type") ?? "";
  return contradiction(method, path, { status: response.status, type, body });
}

function methodAndPath(step: Step): string[] {
  return step.send.split(/ (.*)/s);
}

/** Sends one step's request. */
export async function send(step: Step, ask: Ask): Promise<Response> {
  const [method = "", path = ""] = methodAndPath(step);
  const headers = { "content-type": step.bodyType ?? "application/json" };
  return await ask(path, {
    method,
    redirect: "manual",
    ...(step.body === undefined ? {} : { body: step.body, headers }),
  });
}

function* differences(expected: Answer, response: Response, body: string): Generator<string> {
  if (response.status !== expected.status) {
    yield `status ${response.status} instead of ${expected.status}`;
  }
  const type = response.headers.get("content-type") ?? "";
  if (type !== expected.type) yield `content type "${type}" instead of "${expected.type}"`;
  if (!expectedPattern(expected.answer).test(body)) {
    yield `body     ${JSON.stringify(body)}\n  instead of ${JSON.stringify(expected.answer)}`;
  }
  for (const [name, value] of Object.entries({ ...everyAnswer, ...expected.headers })) {
    const actual = response.headers.get(name);
    const matches = value === null ? actual === null : expectedPattern(value).test(actual ?? "");
    if (!matches) yield `header ${name}: ${actual} instead of ${value}`;
  }
}
