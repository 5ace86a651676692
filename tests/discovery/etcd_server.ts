import { takePort } from "../ports.ts";
import { eventually } from "../cluster/harness.ts";

/** A real etcd on the loopback address, until it is disposed of. */
export class EtcdServer implements AsyncDisposable {
  readonly endpoint: string;
  readonly #child: Deno.ChildProcess;
  readonly #directory: string;

  private constructor(endpoint: string, child: Deno.ChildProcess, directory: string) {
    this.endpoint = endpoint;
    this.#child = child;
    this.#directory = directory;
  }

  /** `flags`: beside those for where it listens and has its data; they may ask for TLS. */
  static async start(scheme = "http", flags: readonly string[] = []): Promise<EtcdServer> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-test-" });
    const client = `${scheme}://127.0.0.1:${takePort()}`;
    const peer = `http://127.0.0.1:${takePort()}`;
    const child = new Deno.Command("etcd", {
      args: [
        "--data-dir",
        directory,
        "--listen-client-urls",
        client,
        "--advertise-client-urls",
        client,
        "--listen-peer-urls",
        peer,
        "--initial-advertise-peer-urls",
        peer,
        "--initial-cluster",
        `default=${peer}`,
        ...flags,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new EtcdServer(client, child, directory);
    await eventually("etcd to listen", () => {
      const { hostname, port } = new URL(client);
      return Deno.connect({ hostname, port: Number(port) }).then((socket) => {
        socket.close();
        return true;
      });
    });
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}
