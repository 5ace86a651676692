import { ConsulStore } from "./consul.ts";
import { DnsDiscovery, DnsSrvDiscovery } from "./dns.ts";
import { EtcdStore } from "./etcd.ts";
import { JsonConfiguration } from "./json_configuration.ts";
import { KeyDiscovery } from "./key_store.ts";
import type { Discovery, DiscoveryMode } from "./types.ts";

/** What the flags say of discovery. */
export interface DiscoveryFlags {
  readonly mode: DiscoveryMode;
  /** -disco-key. */
  readonly key: string;
  /** -disco-config: a file's name or JSON; "" for defaults. */
  readonly configuration: string;
}

export const discoveryModes: readonly DiscoveryMode[] = ["consul-kv", "etcd-kv", "dns", "dns-srv"];

/** Makes ready to look for nodes; asks nobody yet. Throws a DiscoveryError for a wrong configuration. */
export function openDiscovery(
  { mode, key, configuration: given }: DiscoveryFlags,
  raftPort: number,
): Discovery {
  const configuration = JsonConfiguration.read(mode, given);
  switch (mode) {
    case "dns":
      return new DnsDiscovery(configuration, raftPort);
    case "dns-srv":
      return new DnsSrvDiscovery(configuration);
    case "consul-kv": {
      const store = new ConsulStore(configuration);
      return new KeyDiscovery({ mode, key, at: store.at, store });
    }
    case "etcd-kv": {
      const store = new EtcdStore(configuration, given !== "");
      // As rqlite has it in etcd, byte for byte.
      return new KeyDiscovery({ mode, key: `/${key}`, at: store.at, store });
    }
  }
}
