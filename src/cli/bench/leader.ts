import { formatAddress, parseAddress } from "../../io/address.ts";
import type { Endpoint } from "./endpoint.ts";
import { call, type Target } from "./target.ts";

/** The node that leads, as some node says; the first one where its address is of no help. */
export async function leaderOf({ endpoints }: Target): Promise<Endpoint> {
  for (const endpoint of endpoints) {
    try {
      const nodes: Record<string, { leader?: boolean; api_addr?: string }> = JSON.parse(
        await call(endpoint, "GET /nodes"),
      );
      const leader = Object.values(nodes).find((node) => node.leader === true);
      const { host } = new URL(leader?.api_addr ?? "");
      const address = formatAddress(parseAddress(host));
      const found = endpoints.find((other) => formatAddress(other.address) === address);
      if (found !== undefined) return found;
    } catch {
      // Another one may know.
    }
  }
  const [first] = endpoints;
  if (first === undefined) throw new Error("There is no node");
  return first;
}
