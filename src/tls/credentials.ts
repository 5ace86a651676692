import { secretServerName } from "./secret_authority.ts";
import { readCertificates, readKeyPair } from "./key_pair.ts";

/** What a node shows to the others, and by whom it knows them. */
export interface NodeCredentials {
  /** PEM: the certificate first, then its chain. */
  readonly certificates: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** PEM: whose certificates are believed; undefined for the runtime's own list. */
  readonly authorities: readonly string[] | undefined;
  /** The certificate's end, in ms since 1970-01-01 UTC. */
  readonly notAfter: number;
  readonly subject: string;
}

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

/** Certificate, key, and the authorities' file where there is one: in the order of these paths. */
export interface CredentialFiles {
  readonly certPath: string;
  readonly keyPath: string;
  /** "" for none. */
  readonly caPath: string;
}

export function pathsOf({ certPath, keyPath, caPath }: CredentialFiles): readonly string[] {
  return caPath === "" ? [certPath, keyPath] : [certPath, keyPath, caPath];
}

/** Makes credentials of what is in the files of `pathsOf`; throws an Error that names the one at fault. */
export function readCredentials(
  { certPath, keyPath, caPath }: CredentialFiles,
  [cert = new Uint8Array(), key = new Uint8Array(), ca]: readonly Uint8Array[],
): NodeCredentials {
  const authorities = ca === undefined
    ? undefined
    : readCertificates(ca, caPath).map(({ pem }) => pem);
  return { ...readKeyPair({ certPath, keyPath, cert, key }), authorities };
}

/** Both ends show a certificate of the authority that follows from their secret. */
export const mutualTrust: NodeTrust = {
  verifyServer: true,
  serverName: secretServerName,
  verifyClient: true,
  clientCommonName: undefined,
  acceptPlain: false,
};
