import { nativeServer } from "./native_server.ts";

/**
 * Whether two listeners may share a port (SO_REUSEPORT), so that one with a new certificate can take
 * over from another, and several threads can serve: deno.json asks for it, and to ask without that
 * permission would end the program.
 */
export const sharesPorts = "listenDatagram" in Deno;

/** Why no other thread may serve HTTP beside the main one; undefined where some may. */
export function whyAlone(): string | undefined {
  if (Deno.build.os !== "linux") return "only Linux gives each of them some of the connections";
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
