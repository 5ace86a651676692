import { eventually } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";

/** Of a service that Consul is to know, as in the file of a service. */
export interface ConsulService {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly check: Readonly<Record<string, string>>;
}

/** A real Consul on the loopback address, one server without data on a disk, until it is disposed of. */
export class ConsulServer implements AsyncDisposable {
  /** Of its HTTP API. */
  readonly address: string;
  /** Of its name server. */
  readonly dnsAddress: string;
  readonly #child: Deno.ChildProcess;

  private constructor(address: string, dnsAddress: string, child: Deno.ChildProcess) {
    this.address = address;
    this.dnsAddress = dnsAddress;
    this.#child = child;
  }

  /** `configuration`: beside that for where it listens, in Consul's language. */
  static async start(configuration = ""): Promise<ConsulServer> {
    const [http, dns] = [takePort(), takePort()];
    const ports = { http, dns, server: takePort(), serf_lan: takePort(), serf_wan: -1 };
    const numbers = Object.entries({ ...ports, grpc: -1, grpc_tls: -1 });
    const own = `ports { ${numbers.map(([name, port]) => `${name} = ${port}`).join("\n")} }`;
    const child = new Deno.Command("consul", {
      args: [
        ...["agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "error"],
        ...["-disable-host-node-id", "-hcl", own, "-hcl", configuration],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new ConsulServer(`127.0.0.1:${http}`, `127.0.0.1:${dns}`, child);
    await eventually("Consul to lead", async () => {
      return /\d/.test(await server.call("GET", "status/leader"));
    });
    return server;
  }

  /** The body of an answer of its HTTP API; "" where there is no such thing. */
  async call(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<string> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method, ...body !== undefined && { body: text } };
    const response = await fetch(`http://${this.address}/v1/${path}`, init);
    const answer = await response.text();
    if (response.ok) return answer;
    if (response.status === 404) return "";
    throw new Error(`Consul answered ${path} with ${response.status}: ${answer}`);
  }

  async register({ id, name, port, check }: ConsulService): Promise<void> {
    const { http, tcp, ...times } = check;
    const Check = { ...http !== undefined && { HTTP: http }, ...tcp !== undefined && { TCP: tcp } };
    const service = { ID: id, Name: name, Port: port, Check: { ...Check, ...times } };
    await this.call("PUT", "agent/service/register", service);
  }

  /** A token with these rights, made by one that may do all. */
  async newToken(root: string, rules: string): Promise<string> {
    const headers = { "x-consul-token": root };
    const put = async (path: string, body: unknown) => {
      const init = { method: "PUT", headers, body: JSON.stringify(body) };
      return await (await fetch(`http://${this.address}/v1/acl/${path}`, init)).json();
    };
    await eventually("Consul to know its first token", async () => {
      return (await put("policy", { Name: "nodes", Rules: rules })).Name === "nodes";
    });
    const { SecretID } = await put("token", { Policies: [{ Name: "nodes" }] });
    return SecretID;
  }

  /** "passing", "warning" or "critical". */
  async healthOf(id: string): Promise<string> {
    const checks: Record<string, { Status: string; ServiceID: string }> = JSON.parse(
      await this.call("GET", "agent/checks"),
    );
    return Object.values(checks).find(({ ServiceID }) => ServiceID === id)?.Status ?? "none";
  }

  /** All sessions end, as when the nodes that made them are gone. */
  async endSessions(): Promise<void> {
    for (const { ID } of JSON.parse(await this.call("GET", "session/list"))) {
      await this.call("PUT", `session/destroy/${ID}`);
    }
  }

  /** Every key is deleted. */
  async clear(): Promise<void> {
    await this.call("DELETE", "kv/?recurse");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
