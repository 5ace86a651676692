import { Prng } from "../../src/base/prng.ts";
import { clearing, type DrawnStatement, RandomStatements, schema } from "./random_statements.ts";

/** One request: all that a server is sent of it. */
export interface SentRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body?: string;
  /** Content-Type; application/json unless given. */
  readonly type?: string;
}

const requestsEach = 30;

/** Requests that leave nothing of an earlier series, then the tables that this one works on. */
export function prelude(): SentRequest[] {
  return [clearing, schema].map((statements) => ({
    method: "POST",
    path: "/db/execute",
    body: JSON.stringify(statements),
  }));
}

/** The requests of a series, as its seed has it. */
export function requestSeries(seed: bigint): SentRequest[] {
  const drawing = new RandomRequests(new Prng(seed));
  return Array.from({ length: requestsEach }, () => drawing.next());
}

class RandomRequests {
  readonly #random: Prng;
  readonly #statements: RandomStatements;

  constructor(random: Prng) {
    this.#random = random;
    this.#statements = new RandomStatements(random);
  }

  next(): SentRequest {
    const r = this.#random;
    if (r.chance(0.04)) return this.#elsewhere();
    const route = this.#random.pick(["execute", "execute", "query", "query", "request"]);
    const flags = this.#flags(route);
    if (route === "query" && r.chance(0.15)) {
      const { sql } = r.chance(0.9) ? this.#statements.read() : this.#statements.write();
      return {
        method: "GET",
        path: `/db/query${queryOf([`q=${encodeURIComponent(sql)}`, ...flags])}`,
      };
    }
    const path = `/db/${route}${queryOf(flags)}`;
    const statements = Array.from(
      { length: 1 + r.below(r.chance(0.7) ? 3 : 7) },
      () => this.#statement(route),
    );
    if (route !== "request" && r.chance(0.05)) {
      return { method: "POST", path, type: "text/plain", body: statements[0]?.sql ?? "" };
    }
    const body = `[${statements.map(jsonOf).join(this.#random.pick([",", ", ", ",\n  "]))}]`;
    return { method: "POST", path, body: r.chance(0.08) ? this.#spoilt(body) : body };
  }

  #statement(route: string): DrawnStatement {
    const writes = { execute: 0.85, query: 0.04, request: 0.45 }[route] ?? 0;
    return this.#random.chance(writes) ? this.#statements.write() : this.#statements.read();
  }

  /** What is no request for the database, or one by a method that it does not take. */
  #elsewhere(): SentRequest {
    const path = this.#random.pick([
      "/db/execute",
      "/db/query",
      "/db/request",
      "/db/other",
      "/",
      "/db",
    ]);
    const method = this.#random.pick(["PUT", "DELETE", "OPTIONS", "GET", "POST", "HEAD"]);
    // A browser is sent to the page by either, each to its own.
    if (path === "/") return { method: "OPTIONS", path };
    return { method, path };
  }

  #flags(route: string): string[] {
    const r = this.#random;
    const flags: string[] = [];
    const some = (chance: number, ...names: readonly string[]) => {
      if (r.chance(chance)) flags.push(this.#random.pick(names));
    };
    some(0.25, "transaction", "transaction=false", "tx_", "transaction=1");
    some(0.2, "associative");
    some(0.15, "blob_array");
    some(0.15, "timings");
    some(0.05, "pretty", "pretty=no");
    some(0.1, "qualify_columns");
    some(0.08, "raft_index");
    some(0.05, "redirect");
    some(0.06, "noparse");
    some(0.05, "norwrandom", "norwtime", "noleader", "unknown=1", "a[b]=c", "wait");
    some(0.05, "timeout=2m", "timeout=1m", "timeout=1h2m", "timeout=", "timeout=5", "timeout=x");
    some(0.05, "db_timeout=2m", "db_timeout=5", "db_timeout=", "db_timeout=1.5h");
    some(0.03, "retries=1", "retries=x");
    if (route !== "execute") {
      const levels = [
        "none",
        "weak",
        "linearizable",
        "strong",
        "auto",
        "NONE",
        "Strong",
        "other",
        "",
      ];
      some(0.4, ...levels.map((level) => `level=${level}`));
      some(
        0.06,
        "freshness=1h",
        "freshness=x",
        "freshness_strict",
        "freshness=1h&freshness_strict",
      );
    }
    some(0.02, "q=", "x=%zz", "a;b");
    return flags;
  }

  /** A body with something in it that should not be there, or too short. */
  #spoilt(body: string): string {
    const r = this.#random;
    const at = r.below(body.length);
    return this.#random.pick<() => string>([
      () => body.slice(0, at),
      () =>
        body.slice(0, at) + this.#random.pick(["}", "[", '"', ",", "\\", "\u0001"]) +
        body.slice(at),
      () => `${body} trailing`,
      () => `{"statements":${body}}`,
      () => `[${body}]`,
      () => `\ufeff${body}`,
      () =>
        this.#random.pick([
          "",
          "{}",
          "null",
          "[]",
          "[[]]",
          "[1]",
          "[null]",
          '"SELECT 1"',
          "[[1]]",
          " ",
        ]),
      () => `[["SELECT ?", {"a": 1}, 2]]`,
      () => `[["SELECT ?", [1], 2], {"sql": "SELECT 1"}]`,
    ])();
  }
}

function jsonOf({ sql, positional, named }: DrawnStatement): string {
  const text = JSON.stringify(sql);
  if (named !== undefined) {
    const values = Object.entries(named).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    return `[${text},{${values}}]`;
  }
  return positional === undefined ? text : `[${[text, ...positional]}]`;
}

function queryOf(parameters: readonly string[]): string {
  return parameters.length === 0 ? "" : `?${parameters.join("&")}`;
}
