import { type KeyPair, readCertificates, readKeyPair } from "./key_pair.ts";

/** What one end of TLS shows to the other, and by whom it knows that one. */
export interface TlsCredentials extends KeyPair {
  /** PEM: whose certificates are believed; undefined for the runtime's own list. */
  readonly authorities: readonly string[] | undefined;
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
): TlsCredentials {
  const authorities = ca === undefined
    ? undefined
    : readCertificates(ca, caPath).map(({ pem }) => pem);
  return { ...readKeyPair({ certPath, keyPath, cert, key }), authorities };
}

/** The credentials as node:tls takes them, at either end. */
export function tlsOptions({ certificates, key, authorities }: TlsCredentials) {
  return {
    cert: certificates,
    key,
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
    minVersion: "TLSv1.2" as const,
  };
}
