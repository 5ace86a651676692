import { secretServerName } from "./secret_authority.ts";

/** What is asked of the other end. */
export interface NodeTrust {
  /** Of whom this node connects to: a certificate of an authority, for its name. */
  readonly verifyServer: boolean;
  /** The name that the certificate must be for; undefined for the host of the address. */
  readonly serverName: string | undefined;
  /** Of whoever connects to this node: a certificate of an authority, made for clients. */
  readonly verifyClient: boolean;
  /** The CN that such a certificate must have; undefined for any. */
  readonly clientCommonName: string | undefined;
  /** For the time of a transition: nodes without TLS are taken as well, and connected to. */
  readonly acceptPlain: boolean;
}

/** Both ends show a certificate of the authority that follows from their secret. */
export const mutualTrust: NodeTrust = {
  verifyServer: true,
  serverName: secretServerName,
  verifyClient: true,
  clientCommonName: undefined,
  acceptPlain: false,
};
