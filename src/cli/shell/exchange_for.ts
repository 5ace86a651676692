import type { TlsOptions } from "../client_access.ts";
import { FetchExchange } from "./fetch_exchange.ts";
import type { HttpExchange } from "./http_exchange.ts";
import { InsecureExchange } from "./insecure_exchange.ts";

/** Over fetch, unless any certificate is to be taken, which fetch does not do. */
export function exchangeFor(scheme: "http" | "https", tls: TlsOptions): HttpExchange {
  return scheme === "https" && !tls.rejectUnauthorized
    ? new InsecureExchange(tls)
    : new FetchExchange(tls);
}
