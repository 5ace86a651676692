import dns2 from "dns2";

/** Names and what they lead to; changed while the server runs. */
export interface Zone {
  readonly hosts: Map<string, readonly string[]>;
  readonly services: Map<string, readonly { readonly target: string; readonly port: number }[]>;
}

/** A real DNS server (npm's dns2) on the loopback address, until it is disposed of. */
export class NameServer implements AsyncDisposable {
  readonly zone: Zone = { hosts: new Map(), services: new Map() };
  readonly #server: ReturnType<typeof dns2.createServer>;
  port = 0;

  private constructor() {
    this.#server = dns2.createServer({
      udp: true,
      handle: (request, send) => void send(this.#answer(request)),
    });
  }

  static async start(): Promise<NameServer> {
    const started = new NameServer();
    const { udp } = await started.#server.listen({ udp: { port: 0, address: "127.0.0.1" } });
    if (udp === undefined) throw new Error("The name server listens nowhere");
    started.port = udp.port;
    return started;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  #answer(request: dns2.Packet): dns2.Packet {
    const { Packet } = dns2;
    const response = Packet.createResponseFromRequest(request);
    const [question] = request.questions;
    if (question === undefined) return response;
    const name = question.name.toLowerCase().replace(/\.$/, "");
    const { type } = question as unknown as { type: number };
    const hosts = this.zone.hosts.get(name);
    const services = this.zone.services.get(name);
    const common = { name: question.name, ttl: 0, class: Packet.CLASS.IN };
    for (const address of hosts ?? []) {
      const own = address.includes(":") ? Packet.TYPE.AAAA : Packet.TYPE.A;
      if (own === type) response.answers.push(new Packet.Resource({ ...common, type, address }));
    }
    for (const { target, port } of services ?? []) {
      if (type !== Packet.TYPE.SRV) continue;
      const place = { priority: 1, weight: 1, port, target };
      response.answers.push(new Packet.Resource({ ...common, type, ...place }));
    }
    // NXDOMAIN
    if (hosts === undefined && services === undefined) response.header.rcode = 3;
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}
