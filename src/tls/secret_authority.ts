import { createPrivateKey, createPublicKey, hkdfSync, randomBytes, webcrypto } from "node:crypto";
import { Buffer } from "node:buffer";
import type { TlsCredentials } from "./credentials.ts";

/** What every certificate made here is for, and every node asks for: addresses come and go. */
export const secretServerName = "node.raftlite.internal";

const dayMs = 86_400_000;
/** How long a node's certificate lasts; another is made after two thirds of it. */
export const certificateMs = 30 * dayMs;
/** Clocks of other machines may be behind. */
const backdatedMs = dayMs;

/** Fixed, as every node makes the same authority by itself. */
const authorityFrom = new Date("2020-01-01T00:00:00Z");
const authorityTo = new Date("2120-01-01T00:00:00Z");

/** How DER writes an Ed25519 private key whose 32 bytes follow (RFC 8410, section 7). */
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const ed25519 = { name: "Ed25519" };
const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * The authority that follows from a secret: its Ed25519 key is drawn from it (HKDF-SHA-256), so that
 * all nodes which know it have the same one, and nobody else can sign for it.
 */
class SecretAuthority {
  readonly #x509: typeof import("@peculiar/x509");
  readonly #keys: CryptoKeyPair;
  /** X.509 name; the same for the same secret, and of no use to find it. */
  readonly #name: string;

  private constructor(
    x509: typeof import("@peculiar/x509"),
    keys: CryptoKeyPair,
    name: string,
  ) {
    this.#x509 = x509;
    this.#keys = keys;
    this.#name = name;
  }

  static async of(secret: string): Promise<SecretAuthority> {
    const x509 = await import("@peculiar/x509");
    const { subtle } = webcrypto;
    const seed = new Uint8Array(
      hkdfSync("sha256", secret, new Uint8Array(), "raftlite node authority 1", 32),
    );
    const pkcs8 = Buffer.concat([ed25519Prefix, seed]);
    const spki = createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }))
      .export({ format: "der", type: "spki" });
    const keys = {
      privateKey: await subtle.importKey("pkcs8", pkcs8, ed25519, true, ["sign"]),
      publicKey: await subtle.importKey("spki", new Uint8Array(spki), ed25519, true, ["verify"]),
    } as CryptoKeyPair;
    const print = new Uint8Array(await subtle.digest("SHA-256", new Uint8Array(spki)));
    const name = `CN=raftlite nodes ${Buffer.from(print.subarray(0, 8)).toString("hex")}`;
    return new SecretAuthority(x509, keys, name);
  }

  /** PEM of its own certificate. */
  async certificate(): Promise<string> {
    const { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension } = this.#x509;
    const { KeyUsageFlags } = this.#x509;
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: "01",
      name: this.#name,
      notBefore: authorityFrom,
      notAfter: authorityTo,
      signingAlgorithm: ed25519,
      keys: this.#keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    }, webcrypto as Crypto);
    return certificate.toString("pem");
  }

  /** A key that never leaves the process, and a certificate for it that begins now. */
  async issue(nodeId: string, now: number): Promise<Omit<TlsCredentials, "authorities">> {
    const { subtle } = webcrypto;
    const x509 = this.#x509;
    const keys = await subtle.generateKey(p256, true, ["sign", "verify"]) as CryptoKeyPair;
    const notBefore = now - backdatedMs;
    const notAfter = now + certificateMs;
    const subject = new x509.Name([{ CN: [nodeId.slice(0, commonNameMax)] }]).toString();
    const certificate = await x509.X509CertificateGenerator.create({
      // Positive, as a serial number must be.
      serialNumber: "01" + randomBytes(15).toString("hex"),
      subject,
      issuer: this.#name,
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      signingAlgorithm: ed25519,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([{ type: "dns", value: secretServerName }]),
      ],
    }, webcrypto as Crypto);
    const pkcs8 = Buffer.from(await subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
    return {
      certificates: certificate.toString("pem") + "\n",
      key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
      notBefore,
      notAfter,
      subject,
    };
  }
}

/** The longest that X.509 lets a common name be. */
const commonNameMax = 64;

/** A new certificate by the first secret's authority; the authorities of all secrets are believed. */
export async function credentialsOf(
  secrets: readonly string[],
  nodeId: string,
  now: number,
): Promise<TlsCredentials> {
  const authorities = await Promise.all(secrets.map(SecretAuthority.of));
  const [first] = authorities;
  if (first === undefined) throw new Error("There is no secret");
  const own = await first.issue(nodeId, now);
  return {
    ...own,
    authorities: await Promise.all(authorities.map((authority) => authority.certificate())),
  };
}
