import { isDenoFrom } from "../base/deno_version.ts";
import { nativeServer } from "./native_server.ts";

/**
 * Whether two listeners may share a port (SO_REUSEPORT), so that one with a new certificate can take
 * over from another, and several threads can serve: deno.json asks for it, and to ask without that
 * permission would end the program.
 */
export const sharesPorts = "listenDatagram" in Deno;

/** The first Deno of which two of Node's servers were seen to share a port: 2.4 refuses the second. */
const nodeSharesFrom = [2, 9] as const;

interface Asking {
  /** Clients are asked for certificates. */
  readonly forCertificates: boolean;
}

/** Why no other thread may serve HTTP beside the main one; undefined where some may. */
export function whyAlone(
  { forCertificates }: Asking = { forCertificates: false },
): string | undefined {
  if (Deno.build.os !== "linux") return "only Linux gives each of them some of the connections";
  if (forCertificates && !isDenoFrom(nodeSharesFrom)) {
    return `under Deno ${Deno.version.deno} only one of them can ask clients for certificates`;
  }
  if (!sharesPorts || nativeServer() === undefined) {
    return `Deno ${Deno.version.deno} offers no server that several can run`;
  }
  if (!transfersStreams()) return `Deno ${Deno.version.deno} hands no stream to another thread`;
  return undefined;
}

/** Whether one thread can hand a stream to another: Deno 2.4 cannot, 2.9 can. */
function transfersStreams(): boolean {
  const stream = new ReadableStream();
  try {
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
}
