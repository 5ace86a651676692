import { parseAddress } from "../io/address.ts";
import type { Configuration } from "./flags.ts";
import { StartError } from "../member/start_error.ts";

/**
 * Throws a StartError when HTTP and Raft would listen on one address that has two names, such as
 * localhost and 127.0.0.1. HTTP's must be one that can be listened on.
 */
export function checkBothListen({ http, raft }: Configuration): void {
  const { host, port } = parseAddress(raft.address);
  const other = parseAddress(http.address);
  if (port !== other.port) return;
  using _held = Deno.listen({ hostname: other.host, port });
  try {
    Deno.listen({ hostname: host, port }).close();
  } catch (error) {
    // All else that may be wrong with Raft's address is told when it is listened on.
    if (!(error instanceof Deno.errors.AddrInUse)) return;
    throw new StartError(
      `Cannot listen for HTTP on ${http.address} and for Raft on ${raft.address} at once: give -http-addr and -raft-addr ports of their own`,
    );
  }
}
