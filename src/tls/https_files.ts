import { type KeyPair, readCertificates, readKeyPair } from "./key_pair.ts";

export interface HttpsPaths {
  readonly certPath: string;
  readonly keyPath: string;
  /** Certificates by which clients' are checked; "" for none. */
  readonly caPath: string;
}

/** What HTTPS is made of, as it is in files. */
export interface HttpsCertificates {
  readonly pair: KeyPair;
  /** PEM; undefined when no file was named. */
  readonly ca: string | undefined;
}

/** The files of HTTPS, in the order in which `readHttpsFiles` takes their contents. */
export function httpsPaths({ certPath, keyPath, caPath }: HttpsPaths): string[] {
  return caPath === "" ? [certPath, keyPath] : [certPath, keyPath, caPath];
}

/** Throws an Error that names the file at fault. */
export function readHttpsFiles(
  { certPath, keyPath, caPath }: HttpsPaths,
  [cert = new Uint8Array(0), key = new Uint8Array(0), ca]: readonly Uint8Array[],
): HttpsCertificates {
  return {
    pair: readKeyPair({ certPath, keyPath, cert, key }),
    ca: ca === undefined ? undefined : readCertificates(ca, caPath).map(({ pem }) => pem).join(""),
  };
}
