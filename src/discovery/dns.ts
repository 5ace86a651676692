import { lookup } from "node:dns/promises";
import { AddressError, formatAddress, parseAddress } from "../io/address.ts";
import { answerMsMax, bounded, reasonOf } from "./bounds.ts";
import type { JsonConfiguration } from "./json_configuration.ts";
import { LookFigures } from "./look_figures.ts";
import { type Discovery, DiscoveryError, type DiscoveryFigures } from "./types.ts";

/** In place of the look-up, as `host:port`, with commas between: for tests and for odd networks. */
const hostsVariables = ["RAFTLITE_DISCO_DNS_HOSTS", "RQLITE_DISCO_DNS_HOSTS"];

/** rqlite's default. */
const defaultName = "rqlite";

interface NameServer {
  readonly ipAddr: string;
  readonly port: number;
}

/**
 * Finds nodes by the A and AAAA records of a name, such as a headless service's in Kubernetes; all
 * have the same Raft port. By the system's resolver, or by one name server alone.
 */
export class DnsDiscovery implements Discovery {
  readonly mode = "dns";
  readonly registry = undefined;
  readonly #name: string;
  readonly #port: number;
  readonly #server: NameServer | undefined;
  readonly #looks = new LookFigures();

  /** `raftPort`: of this node, and of the others unless the configuration says another. */
  constructor(configuration: JsonConfiguration, raftPort: number) {
    this.#name = configuration.text("name") || defaultName;
    this.#port = portOf(configuration) ?? raftPort;
    this.#server = nameServerOf(configuration);
  }

  look(): Promise<readonly string[]> {
    return this.#looks.of(async () => {
      const given = hostsOfEnvironment();
      if (given !== undefined) return bounded(given);
      try {
        const hosts = await addressesOf(this.#name, this.#server);
        return bounded(hosts.map((host) => formatAddress({ host, port: this.#port })));
      } catch (error) {
        throw lookUpError(this.mode, this.#name, this.#server, error);
      }
    });
  }

  figures(): DiscoveryFigures {
    return { mode: this.mode, name: this.#name, port: this.#port, ...this.#looks.figures };
  }
}

/** Finds nodes by SRV records `_service._tcp.name`, which give each its port, as Consul's DNS does. */
export class DnsSrvDiscovery implements Discovery {
  readonly mode = "dns-srv";
  readonly registry = undefined;
  readonly #name: string;
  readonly #service: string;
  readonly #server: NameServer | undefined;
  readonly #looks = new LookFigures();

  constructor(configuration: JsonConfiguration) {
    this.#name = configuration.text("name") || defaultName;
    this.#service = configuration.text("service") || defaultName;
    this.#server = nameServerOf(configuration);
  }

  get #record(): string {
    return `_${this.#service}._tcp.${this.#name}.`;
  }

  look(): Promise<readonly string[]> {
    return this.#looks.of(async () => {
      try {
        const records = await withinTime(
          (options) => Deno.resolveDns(this.#record, "SRV", options),
          this.#server,
        );
        const found = await Promise.allSettled(records.map(async ({ target, port }) => {
          const hosts = await addressesOf(target, this.#server);
          return hosts.map((host) => formatAddress({ host, port }));
        }));
        const addresses = found.flatMap((one) => one.status === "fulfilled" ? one.value : []);
        const failed = found.find((one) => one.status === "rejected");
        // One target that has gone must not hide the others.
        if (addresses.length === 0 && failed !== undefined) throw failed.reason;
        return bounded(addresses);
      } catch (error) {
        throw lookUpError(this.mode, this.#record, this.#server, error);
      }
    });
  }

  figures(): DiscoveryFigures {
    return {
      mode: this.mode,
      name: this.#name,
      service: this.#service,
      dns_name: this.#record,
      ...this.#looks.figures,
    };
  }
}

function portOf(configuration: JsonConfiguration): number | undefined {
  const port = configuration.count("port");
  if (port !== undefined && (port < 1 || port > 65_535)) {
    configuration.refuse("port", "must be from 1 to 65535");
  }
  return port;
}

/** An IP address with or without a port: names would have to be looked up first. */
function nameServerOf(configuration: JsonConfiguration): NameServer | undefined {
  const text = configuration.text("name_server");
  if (text === "") return undefined;
  try {
    const { host, port } = parseAddress(/^[\d.]+$/.test(text) ? `${text}:53` : text);
    if (/^[\d.]+$|:/.test(host)) return { ipAddr: host, port };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
  configuration.refuse("name_server", "must be an IP address, or one with a port");
}

function hostsOfEnvironment(): readonly string[] | undefined {
  const text = hostsVariables.map((name) => Deno.env.get(name)).find((value) => value);
  return text?.split(",").map((host) => host.trim());
}

async function addressesOf(name: string, server: NameServer | undefined): Promise<string[]> {
  if (server === undefined) {
    // With /etc/hosts and the search list, by which a pod knows a service by its first name.
    const found = await withinTime(() => lookup(name, { all: true }), undefined);
    return found.map(({ address }) => address);
  }
  const both = await Promise.allSettled(
    (["A", "AAAA"] as const).map((type) =>
      withinTime((options) => Deno.resolveDns(name, type, options), server)
    ),
  );
  const [first] = both;
  const hosts = both.flatMap((one) => one.status === "fulfilled" ? one.value : []);
  if (hosts.length === 0 && first?.status === "rejected") throw first.reason;
  return hosts;
}

async function withinTime<T>(
  ask: (options: Deno.ResolveDnsOptions) => Promise<T>,
  nameServer: NameServer | undefined,
): Promise<T> {
  const signal = AbortSignal.timeout(answerMsMax);
  // The system's resolver takes no signal: it is then only not waited for.
  const late = Promise.withResolvers<never>();
  const expire = () => late.reject(signal.reason);
  signal.addEventListener("abort", expire);
  try {
    const asked = ask({ signal, ...nameServer && { nameServer } });
    return await Promise.race([asked, late.promise]);
  } finally {
    signal.removeEventListener("abort", expire);
  }
}

function lookUpError(
  mode: string,
  name: string,
  server: NameServer | undefined,
  error: unknown,
): DiscoveryError {
  const at = server === undefined
    ? ""
    : ` at ${formatAddress({ host: server.ipAddr, port: server.port })}`;
  const text = `Discovery by ${mode} could not look up ${name}${at}: ${reasonOf(error)}`;
  return new DiscoveryError(text, { cause: error });
}
