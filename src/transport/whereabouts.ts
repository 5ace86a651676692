import type { NodeId } from "../raft/types.ts";

/**
 * Where each peer is: the address that the configuration has for it, and, while it says another
 * itself, that one. A peer that came back elsewhere is found by what it says long before a leader
 * can change the configuration, which without it there may never be.
 */
export class Whereabouts {
  #configured: ReadonlyMap<NodeId, string> = new Map();
  /** What a peer last said of itself, where that is not what the configuration has. */
  readonly #heard = new Map<NodeId, string>();

  /** What the configuration has, without this node. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void {
    this.#configured = peers;
    for (const [id, address] of this.#heard) {
      if (!peers.has(id) || peers.get(id) === address) this.#heard.delete(id);
    }
  }

  /** A node of this cluster says where it is; true when that is news of a peer. */
  hear(id: NodeId, address: string): boolean {
    const configured = this.#configured.get(id);
    if (configured === undefined) return false;
    if (address === configured || address === "") return this.#heard.delete(id);
    if (this.#heard.get(id) === address) return false;
    this.#heard.set(id, address);
    return true;
  }

  /** As the configuration has it; undefined for whoever is no peer. */
  configured(id: NodeId): string | undefined {
    return this.#configured.get(id);
  }

  /** Where the peer says that it is, if that is elsewhere. */
  heard(id: NodeId): string | undefined {
    return this.#heard.size === 0 ? undefined : this.#heard.get(id);
  }

  /** The peers at each address that one of them may be at. */
  byAddress(): Map<string, Set<NodeId>> {
    const byAddress = new Map<string, Set<NodeId>>();
    for (const [id, address] of [...this.#configured, ...this.#heard]) {
      const ids = byAddress.get(address);
      if (ids === undefined) byAddress.set(address, new Set([id]));
      else ids.add(id);
    }
    return byAddress;
  }
}
