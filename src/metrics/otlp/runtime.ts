import http2 from "node:http2";

/**
 * What this Deno lacks for gRPC; undefined where nothing is. With 2.4 no connection comes about, since
 * parts of HTTP/2 are missing there; 2.9 has them (seen).
 */
export function grpcMissing(): string | undefined {
  try {
    http2.getDefaultSettings();
    return undefined;
  } catch {
    return `Deno ${Deno.version.deno} lacks parts of HTTP/2 that gRPC needs`;
  }
}
