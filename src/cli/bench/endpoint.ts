import type { Address } from "../../io/address.ts";
import type { TlsOptions } from "../client_access.ts";

/** A server to be called, and how. */
export interface Endpoint {
  readonly address: Address;
  /** Undefined for plain HTTP. */
  readonly tls: TlsOptions | undefined;
  /** The header Authorization; undefined for nobody. */
  readonly authorization: string | undefined;
}
