import type { Outcome } from "./request.ts";
import { ask, RequestFailed, run, type SqlStatement } from "./request.ts";
import type { FinalRead, Site, Workload, WorkloadParts } from "./workload.ts";

const attemptsMax = 6;
const partsEach = 3;

interface Element {
  readonly value: number;
  readonly way: string;
  readonly parts: number;
  readonly key: string | undefined;
  outcome: Outcome;
  attempts: number;
  /** Why attempts failed, and when, for who reads the history. */
  readonly reasons: string[];
}

/**
 * A set that is added to by each way in which a request can write, once or with a key as often as it
 * takes: what was acknowledged is there once, with all its parts, what was refused is not, and what is
 * not known is there once at most.
 */
export class Elements implements Workload {
  readonly name = "elements";
  readonly setup = [
    "CREATE TABLE elements (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, part INTEGER NOT NULL)",
  ];
  readonly clients = 4;
  readonly #parts: WorkloadParts;
  readonly #elements: Element[] = [];

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  async once({ any, home, random }: Site): Promise<void> {
    const value = this.#elements.length + 1;
    const insert: SqlStatement = ["INSERT INTO elements (value, part) VALUES (?, 0)", value];
    const key = `element-${value}`;
    const add = (way: string, parts: number, key: string | undefined): Element => {
      const element: Element = {
        ...{ value, way, parts, key, outcome: "unknown", attempts: 0 },
        reasons: [],
      };
      this.#elements.push(element);
      return element;
    };
    switch (random.below(6)) {
      case 0:
        return await this.#try(add("plain", 1, undefined), () => home, "/db/execute?timeout=3s", [
          insert,
        ]);
      case 1:
        return await this.#try(add("keyed", 1, key), any, "/db/execute?timeout=3s", [insert]);
      case 2: {
        const all = Array.from({ length: partsEach }, (_, part): SqlStatement => [
          "INSERT INTO elements (value, part) VALUES (?, ?)",
          value,
          part,
        ]);
        const path = "/db/request?transaction&timeout=3s";
        return await this.#try(add("keyed transaction", partsEach, key), any, path, all);
      }
      case 3: {
        const path = "/db/execute?queue&wait&timeout=3s";
        return await this.#try(add("keyed queue", 1, key), any, path, [insert]);
      }
      case 4: {
        const element = add("queue", 1, undefined);
        await this.#try(element, () => home, "/db/execute?queue", [insert]);
        // It was answered before it was written.
        if (element.outcome === "applied") element.outcome = "unknown";
        return;
      }
      default: {
        const text = `INSERT INTO elements (value, part) VALUES (${value}, 0);`;
        return await this.#try(add("keyed load", 1, key), any, "/db/load?timeout=3s", text);
      }
    }
  }

  /** Sends it until it is known what became of it, where it has a key. */
  async #try(
    element: Element,
    node: () => Site["home"],
    path: string,
    body: readonly SqlStatement[] | string,
  ): Promise<void> {
    const { report } = this.#parts;
    const headers: Record<string, string> = element.key === undefined
      ? {}
      : { "idempotency-key": `"${element.key}"` };
    let refusedOnly = true;
    const attempts = element.key === undefined ? 1 : attemptsMax;
    while (element.attempts < attempts && element.outcome !== "applied") {
      element.attempts++;
      try {
        if (typeof body === "string") {
          const { text } = await ask(node(), path, {
            body,
            headers: { ...headers, "content-type": "text/plain" },
          });
          if (/"error"/.test(text)) throw new Error(`${element.way} of ${element.value}: ${text}`);
        } else {
          const { results, reply } = await run(node(), path, body, headers);
          const failed = results.find(({ error }) => error !== undefined);
          if (failed !== undefined) {
            throw new Error(`${element.way} of ${element.value}: ${failed.error}`);
          }
          if (reply.replayed) report.count("answers replayed for a key");
          if (reply.replayed && element.attempts === 1) {
            report.violation("Keys", `${element.key} was answered as a repeat at first`);
          }
        }
        element.outcome = "applied";
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        element.reasons.push(`${report.ms} ms: ${error.outcome}: ${error.message}`);
        if (error.outcome === "unknown") refusedOnly = false;
        if (element.attempts > 1) report.count("repeats with a key");
        await new Promise((resolve) => setTimeout(resolve, 100 * element.attempts));
      }
    }
    if (element.outcome !== "applied") element.outcome = refusedOnly ? "refused" : "unknown";
    report.count(`elements ${element.way}, ${element.outcome}`);
  }

  async check(read: FinalRead): Promise<void> {
    const there = new Map<number, number[]>();
    for (const [value, part] of await read("SELECT value, part FROM elements ORDER BY id")) {
      there.set(Number(value), [...there.get(Number(value)) ?? [], Number(part)]);
    }
    for (const { value, way, parts, outcome } of this.#elements) {
      const found = there.get(value)?.join() ?? "";
      const whole = Array.from({ length: parts }, (_, part) => part).join();
      there.delete(value);
      const isRight = outcome === "applied"
        ? found === whole
        : outcome === "refused"
        ? found === ""
        : found === "" || found === whole;
      if (isRight) continue;
      this.#parts.report.violation(
        "Set",
        `element ${value} (${way}, ${outcome}) is there with the parts [${found}] of [${whole}]`,
      );
    }
    for (const value of there.keys()) {
      this.#parts.report.violation("Set", `element ${value} is there, which nobody added`);
    }
  }

  /** The values that are acknowledged by now. */
  get acknowledged(): readonly number[] {
    return this.#elements.flatMap(({ value, outcome }) => outcome === "applied" ? [value] : []);
  }

  get history(): unknown {
    return this.#elements;
  }
}
