import { messageOf } from "../base/message_of.ts";
import { parseAddress } from "../io/address.ts";
import type { JsonConfiguration } from "./json_configuration.ts";
import { type KeyStore, nodeSeconds } from "./key_store.ts";
import { AnswerError, fromBase64, StoreClient, toBase64 } from "./store_client.ts";

const defaultAddress = "localhost:8500";

/** Consul's keys and values, by its HTTP API; the configuration has rqlite's keys. */
export class ConsulStore implements KeyStore {
  readonly at: string;
  readonly #client: StoreClient;
  readonly #query: URLSearchParams;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #token: () => Promise<string>;
  /** By which what this node writes for now goes; renewed as long as the node lives. */
  #session: string | undefined;

  constructor(configuration: JsonConfiguration) {
    const given = configuration.text("address") || Deno.env.get("CONSUL_HTTP_ADDR") || "";
    const address = given || defaultAddress;
    try {
      parseAddress(address);
    } catch (error) {
      configuration.refuse("address", `cannot be ${address}: ${messageOf(error)}`);
    }
    const scheme = configuration.text("scheme") || "http";
    if (scheme !== "http" && scheme !== "https") {
      configuration.refuse("scheme", "must be http or https");
    }
    this.at = `${scheme}://${address}`;
    this.#client = new StoreClient(configuration);
    this.#query = new URLSearchParams();
    const parameters = { dc: "datacenter", ns: "namespace", partition: "partition" };
    for (const [name, key] of Object.entries(parameters)) {
      const value = configuration.text(key);
      if (value !== "") this.#query.set(name, value);
    }
    const user = configuration.object("basic_auth");
    this.#headers = user === undefined
      ? {}
      : { authorization: `Basic ${toBase64(`${user.text("username")}:${user.text("password")}`)}` };
    const token = configuration.text("token");
    const file = configuration.text("token_file");
    this.#token = token !== "" || file === ""
      ? () => Promise.resolve(token || (Deno.env.get("CONSUL_HTTP_TOKEN") ?? ""))
      // Read each time, since it may be changed.
      : async () => (await Deno.readTextFile(file)).trim();
  }

  /** The body of the answer; undefined when there is no such thing. */
  async #call(
    method: "GET" | "PUT",
    path: string,
    parameters: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<string | undefined> {
    const query = new URLSearchParams([...this.#query, ...Object.entries(parameters)]);
    const token = await this.#token();
    const headers = { ...this.#headers, ...token !== "" && { "x-consul-token": token } };
    const url = `${this.at}/v1/${path}?${query}`;
    try {
      return await this.#client.call(url, { method, headers, ...body !== undefined && { body } });
    } catch (error) {
      if (error instanceof AnswerError && error.status === 404) return undefined;
      throw error;
    }
  }

  async #put(key: string, value: string, parameters: Readonly<Record<string, string>>) {
    return (await this.#call("PUT", `kv/${path(key)}`, parameters, value))?.trim() === "true";
  }

  get(key: string): Promise<string | undefined> {
    return this.#call("GET", `kv/${path(key)}`, { raw: "true" });
  }

  create(key: string, value: string): Promise<boolean> {
    return this.#put(key, value, { cas: "0" });
  }

  async put(key: string, value: string): Promise<void> {
    if (!await this.#put(key, value, {})) throw new Error("It was not written");
  }

  async putForNow(key: string, value: string): Promise<void> {
    const session = await this.#liveSession();
    if (await this.#put(key, value, { acquire: session })) return;
    // An earlier life of this node holds it still.
    await this.put(key, value);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const text = await this.#call("GET", `kv/${path(prefix)}`, { recurse: "true" });
    if (text === undefined) return [];
    const pairs: unknown = JSON.parse(text);
    if (!Array.isArray(pairs)) throw new Error("Its answer is no list");
    return pairs.map(({ Value }) => fromBase64(typeof Value === "string" ? Value : ""));
  }

  /** A session that lasts for `nodeSeconds` from now. */
  async #liveSession(): Promise<string> {
    if (this.#session !== undefined) {
      const renewed = await this.#call("PUT", `session/renew/${this.#session}`, {});
      if (renewed !== undefined) return this.#session;
    }
    const wish = { Name: "raftlite", TTL: `${nodeSeconds}s`, Behavior: "delete", LockDelay: "0s" };
    const made = JSON.parse(
      await this.#call("PUT", "session/create", {}, JSON.stringify(wish)) ?? "{}",
    );
    if (typeof made.ID !== "string") throw new Error("No session was to be had");
    this.#session = made.ID;
    return made.ID;
  }
}

function path(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}
