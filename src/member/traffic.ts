import type { Peer, Transport, TransportHandlers } from "../transport/types.ts";

/** Hands what arrives to whoever is in charge: first the formation of a cluster, then the service. */
export class Traffic implements TransportHandlers {
  #current: TransportHandlers | undefined;

  handOver(transport: Transport, handlers: TransportHandlers): void {
    const started = this.#current !== undefined;
    this.#current = handlers;
    if (!started) transport.start(this);
  }

  get #handlers(): TransportHandlers {
    if (this.#current === undefined) throw new Error("The transport has no handlers yet");
    return this.#current;
  }

  message(message: Parameters<TransportHandlers["message"]>[0]): void {
    this.#handlers.message(message);
  }

  unreachable(id: string): void {
    this.#handlers.unreachable(id);
  }

  request(peer: Peer, kind: number, payload: Uint8Array, signal: AbortSignal) {
    return this.#handlers.request(peer, kind, payload, signal);
  }

  stream(peer: Peer, kind: number, header: Uint8Array, body: AsyncIterable<Uint8Array>) {
    return this.#handlers.stream(peer, kind, header, body);
  }
}
