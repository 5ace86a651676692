import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";

/** A certificate with its chain, and the key that belongs to it: what one end of TLS shows. */
export interface KeyPair {
  /** PEM: the certificate first, then its chain. */
  readonly certificates: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** The first certificate's beginning and end, in ms since 1970-01-01 UTC. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The first certificate's subject, on one line: "CN=db.example.com, O=Example". */
  readonly subject: string;
}

/** How public keys are compared: Deno 2.4 has no checkPrivateKey. */
const spki = { type: "spki", format: "der" } as const;

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface PemCertificate {
  readonly certificate: X509Certificate;
  /** One certificate in PEM, with a line end: Deno 2.4 does not write it. */
  readonly pem: string;
}

/** The certificates of a PEM text, in its order; throws an Error that names `path` when there is none. */
export function readCertificates(pem: Uint8Array, path: string): PemCertificate[] {
  const found = [...new TextDecoder().decode(pem).matchAll(pemCertificate)];
  if (found.length === 0) {
    throw new Error(`${path} has no certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
  }
  return found.map(([text], index) => {
    try {
      return { certificate: new X509Certificate(text), pem: `${text}\n` };
    } catch (error) {
      throw new Error(`Certificate ${index + 1} of ${path} cannot be read`, { cause: error });
    }
  });
}

export interface KeyPairFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * A certificate and its key, checked against each other: node:tls takes a key that does not fit
 * without a word, and every handshake then fails. Throws an Error that names the file at fault.
 */
export function readKeyPair({ certPath, keyPath, cert, key }: KeyPairFiles): KeyPair {
  const certificates = readCertificates(cert, certPath);
  const first = certificates[0]?.certificate;
  if (first === undefined) throw new Error(`${certPath} has no certificate`);
  const keyText = new TextDecoder().decode(key);
  const privateKey = readPrivateKey(keyText, keyPath);
  if (!first.publicKey.export(spki).equals(createPublicKey(privateKey).export(spki))) {
    throw new Error(`The key in ${keyPath} does not belong to the certificate in ${certPath}`);
  }
  return {
    certificates: certificates.map(({ pem }) => pem).join(""),
    key: keyText,
    notBefore: Date.parse(first.validFrom),
    notAfter: Date.parse(first.validTo),
    subject: subjectOf(first),
  };
}

/** A certificate's subject on one line; many public authorities leave it out. */
export function subjectOf({ subject }: Partial<Pick<X509Certificate, "subject">>): string {
  return subject?.split("\n").join(", ") ?? "without a subject";
}

function readPrivateKey(text: string, path: string) {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new Error(
      `The key in ${path} is encrypted: give it without a password, in a file of mode 0600`,
    );
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new Error(`${path} has no private key in PEM form`, { cause: error });
  }
}
