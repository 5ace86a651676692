import type { JsonConfiguration } from "./json_configuration.ts";
import { type KeyStore, nodeSeconds } from "./key_store.ts";
import { AnswerError, fromBase64, StoreClient, toBase64 } from "./store_client.ts";

const defaultEndpoint = "localhost:2379";

/** The range end for all keys that begin alike is the next one that does not. */
function rangeEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

interface KeyValue {
  readonly value?: string;
}

/**
 * etcd's keys and values, by the JSON gateway of its version 3, which every etcd since 3.4 serves on
 * its client port; the configuration has the keys of rqlite, which are the Go client's.
 */
export class EtcdStore implements KeyStore {
  readonly at: string;
  readonly #client: StoreClient;
  /** The one that answered last comes first. */
  #endpoints: readonly string[];
  readonly #user: { readonly name: string; readonly password: string } | undefined;
  #token: string | undefined;
  #lease: string | undefined;

  constructor(configuration: JsonConfiguration, isGiven: boolean) {
    const given = configuration.texts("endpoints");
    if (given.length === 0 && isGiven) {
      configuration.refuse("endpoints", 'must name etcd, as ["host:2379"]');
    }
    const isTls = configuration.object("tls_config") !== undefined;
    this.#endpoints = (given.length === 0 ? [defaultEndpoint] : given).map((endpoint) => {
      const url = /^https?:\/\//.test(endpoint)
        ? endpoint
        : `${isTls ? "https" : "http"}://${endpoint}`;
      if (!URL.canParse(url)) configuration.refuse("endpoints", `cannot have ${endpoint}`);
      return new URL(url).origin;
    });
    this.at = this.#endpoints.join(", ");
    this.#client = new StoreClient(configuration);
    const name = configuration.text("username");
    this.#user = name === "" ? undefined : { name, password: configuration.text("password") };
  }

  async get(key: string): Promise<string | undefined> {
    const [found] = await this.#range({ key: toBase64(key) });
    return found;
  }

  async list(prefix: string): Promise<readonly string[]> {
    const range = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)), limit: 1000 };
    return await this.#range(range);
  }

  async #range(range: Readonly<Record<string, unknown>>): Promise<string[]> {
    const { kvs = [] } = await this.#call("kv/range", range) as { kvs?: readonly KeyValue[] };
    return kvs.map(({ value = "" }) => fromBase64(value));
  }

  async create(key: string, value: string): Promise<boolean> {
    const { succeeded = false } = await this.#call("kv/txn", {
      compare: [{ key: toBase64(key), target: "VERSION", version: "0" }],
      success: [{ request_put: { key: toBase64(key), value: toBase64(value) } }],
    }) as { succeeded?: boolean };
    return succeeded;
  }

  async put(key: string, value: string): Promise<void> {
    await this.#call("kv/put", { key: toBase64(key), value: toBase64(value) });
  }

  async putForNow(key: string, value: string): Promise<void> {
    const lease = await this.#liveLease();
    try {
      await this.#call("kv/put", { key: toBase64(key), value: toBase64(value), lease });
    } catch (error) {
      // It may be the lease that is gone: the next time has a new one.
      this.#lease = undefined;
      throw error;
    }
  }

  /** A lease that lasts for `nodeSeconds` from now. */
  async #liveLease(): Promise<string> {
    if (this.#lease !== undefined) {
      const { result } = await this.#call("lease/keepalive", { ID: this.#lease }) as {
        result?: { TTL?: string };
      };
      // One that has ended has no time left.
      if (Number(result?.TTL ?? 0) > 0) return this.#lease;
    }
    const { ID } = await this.#call("lease/grant", { TTL: `${nodeSeconds}` }) as { ID?: string };
    if (typeof ID !== "string") throw new Error("No lease was to be had");
    this.#lease = ID;
    return ID;
  }

  /** With a token if there is a user; a token that does not count any more is asked for anew. */
  async #call(path: string, body: unknown): Promise<object> {
    if (this.#user === undefined) return await this.#post(path, body, undefined);
    const known = this.#token;
    const token = known ?? await this.#authenticate(this.#user);
    try {
      return await this.#post(path, body, token);
    } catch (error) {
      const isRefused = error instanceof AnswerError &&
        /invalid auth token|auth.*revision/.test(error.message);
      if (!isRefused || known === undefined) throw error;
      this.#token = undefined;
      return await this.#call(path, body);
    }
  }

  async #authenticate({ name, password }: { name: string; password: string }): Promise<string> {
    const answer = await this.#post("auth/authenticate", { name, password }, undefined);
    const { token } = answer as { token?: string };
    if (typeof token !== "string") throw new Error("etcd gave no token");
    this.#token = token;
    return token;
  }

  /** Of the first endpoint that can be reached. */
  async #post(path: string, body: unknown, token: string | undefined): Promise<object> {
    let failure: unknown;
    for (const endpoint of this.#endpoints) {
      try {
        const text = await this.#client.call(`${endpoint}/v3/${path}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...token !== undefined && { authorization: token },
          },
          body: JSON.stringify(body),
        });
        const answer: unknown = JSON.parse(text);
        if (typeof answer !== "object" || answer === null) {
          throw new Error("Its answer is no object");
        }
        this.#endpoints = [endpoint, ...this.#endpoints.filter((other) => other !== endpoint)];
        return answer;
      } catch (error) {
        // An answer is one, be it a refusal: the others would say the same.
        if (error instanceof AnswerError && error.status < 500) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }
}
