import { Prng } from "../../src/base/prng.ts";
import { changingRequests, schema } from "../changes/random_changes.ts";
import { RequestFailed, run } from "./request.ts";
import type { Site, Workload, WorkloadParts } from "./workload.ts";

const requestsEach = 2_000;

/**
 * Requests that change rows in all the ways that SQLite has, and now and then the schema: what
 * copies that are made of changes have to go by.
 */
export class ChangingRows implements Workload {
  readonly name = "changing rows";
  readonly setup = schema;
  readonly clients = 2;
  readonly #parts: WorkloadParts;
  readonly #random: Prng;
  #requests: ReturnType<typeof changingRequests> = [];

  constructor(parts: WorkloadParts, random: Prng) {
    this.#parts = parts;
    this.#random = new Prng(random.uint64());
  }

  async once({ any }: Site): Promise<void> {
    if (this.#requests.length === 0) {
      this.#requests = changingRequests(this.#random, requestsEach).slice(1);
    }
    const request = this.#requests.pop();
    if (request === undefined) return;
    const { statements, transaction, unified } = request;
    const path = `/db/${unified ? "request" : "execute"}?timeout=3s${
      transaction ? "&transaction" : ""
    }`;
    try {
      await run(any(), path, statements.map(({ sql }) => sql));
      this.#parts.report.count("requests that change rows");
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.#parts.report.count(`requests that change rows, ${error.outcome}`);
    }
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  get history(): unknown {
    return [];
  }
}
