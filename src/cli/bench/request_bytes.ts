import { formatAddress } from "../../io/address.ts";
import type { Endpoint } from "./endpoint.ts";

/** A whole HTTP/1.1 request, with a body in JSON or without one; `headers` are lines of their own. */
export function requestBytes(
  { address, authorization }: Endpoint,
  methodAndPath: string,
  json?: string,
  headers: readonly string[] = [],
): Uint8Array {
  const encoder = new TextEncoder();
  const head = [
    `${methodAndPath} HTTP/1.1`,
    `Host: ${formatAddress(address)}`,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...headers,
    ...(json === undefined ? [] : [
      "Content-Type: application/json",
      `Content-Length: ${encoder.encode(json).length}`,
    ]),
  ];
  return encoder.encode(`${head.join("\r\n")}\r\n\r\n${json ?? ""}`);
}
