import { openCLibrary } from "../io/c_library.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { SocketAddress } from "./socket_address.ts";

const symbols = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** SOL_SOCKET and IPPROTO_TCP of Linux: whose an option is. */
export const socketLevel = 1;
export const tcpLevel = 6;

/** SO_ACCEPTCONN of Linux. */
const isListening = 30;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let calls: Calls | undefined;

/**
 * The descriptors of the listeners that this process has on this port, at whichever address: for
 * what Deno lets nobody ask of them. None where they cannot be told.
 */
export function listenersOn(port: number): number[] {
  if (Deno.build.os !== "linux") return [];
  calls ??= openCLibrary(symbols);
  if (calls === undefined) return [];
  const { getsockname, getsockopt } = calls;
  const address = new SocketAddress();
  const length = new Uint32Array(1);
  const is = new Uint32Array(1);
  return openDescriptors().filter((descriptor) => {
    if (getsockname(descriptor, address.bytes, address.length) !== 0) return false;
    if (address.port !== port) return false;
    length[0] = is.byteLength;
    return getsockopt(descriptor, socketLevel, isListening, is, length) === 0 && is[0] === 1;
  });
}

/** An option of sockets, as setsockopt(2) takes it. */
export interface SocketOption {
  readonly level: number;
  readonly name: number;
  readonly value: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

/** Sets an option of the listeners on this port; false where none has taken it. */
export function setOfListeners(port: number, { level, name, value }: SocketOption): boolean {
  const outcomes = listenersOn(port).map((descriptor) =>
    calls?.setsockopt(descriptor, level, name, value, value.byteLength)
  );
  return outcomes.includes(0);
}
