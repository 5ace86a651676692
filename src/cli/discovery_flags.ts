import { type DiscoveryFlags, discoveryModes } from "../discovery/open.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagValues } from "./flag_values.ts";

/** How the flags ask for discovery, once they fit together; throws a FlagError. */
export function discoveryOf(values: FlagValues): DiscoveryFlags | undefined {
  const given = values["disco-mode"];
  const key = values["disco-key"];
  const configuration = values["disco-config"];
  if (given === "") {
    if (configuration === "") return undefined;
    throw new FlagError(1, "-disco-config needs -disco-mode");
  }
  const mode = discoveryModes.find((known) => known === given);
  if (mode === undefined) {
    throw new FlagError(
      1,
      `-disco-mode must be one of consul-kv, etcd-kv, dns, or dns-srv, not ${given}`,
    );
  }
  if (values["join"].length > 0) {
    throw new FlagError(1, "-disco-mode and -join exclude each other: each says whom to join");
  }
  const isKeyStore = mode === "consul-kv" || mode === "etcd-kv";
  const expect = values["bootstrap-expect"];
  const joins = values["raft-non-voter"] || values["raft-standby"];
  if (isKeyStore && expect > 0) {
    throw new FlagError(
      1,
      `-bootstrap-expect has no meaning with -disco-mode ${mode}: the first node there begins the cluster`,
    );
  }
  if (!isKeyStore && expect === 0 && !joins) {
    throw new FlagError(
      1,
      `-disco-mode ${mode} needs -bootstrap-expect, the number of nodes that a new cluster begins with, except on a read replica or standby`,
    );
  }
  return { mode, key, configuration };
}
