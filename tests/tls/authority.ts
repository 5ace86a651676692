import { join } from "node:path";

export interface Issued {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface IssueOptions {
  /** The file's name without its ending; a later one of the same name replaces it. */
  readonly name: string;
  /** CN; `name` by default. */
  readonly commonName?: string;
  /** As openssl writes them; DNS:localhost, IP:127.0.0.1 and IP:::1 by default. */
  readonly subjectAltName?: string;
  /** extendedKeyUsage; both sides by default. */
  readonly usage?: string;
  readonly days?: number;
}

/** A certificate authority of a test's own, by the openssl program, in a directory. */
export class Authority {
  readonly caPath: string;
  readonly #directory: string;
  readonly #keyPath: string;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.caPath = join(directory, `${name}.pem`);
    this.#keyPath = join(directory, `${name}.key`);
  }

  static async create(directory: string, name = "ca"): Promise<Authority> {
    const authority = new Authority(directory, name);
    await openssl([
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "30", "-subj", `/CN=raftlite test ${name}`],
      ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
      ...["-keyout", authority.#keyPath, "-out", authority.caPath],
    ]);
    return authority;
  }

  async issue(options: IssueOptions): Promise<Issued> {
    const { name, commonName = name, usage = "serverAuth,clientAuth", days = 30 } = options;
    const names = options.subjectAltName ?? "DNS:localhost,IP:127.0.0.1,IP:::1";
    const path = (ending: string) => join(this.#directory, `${name}.${ending}`);
    const extensions = path("ext");
    await Deno.writeTextFile(
      extensions,
      `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=${usage}\n`,
    );
    await openssl([
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", `/CN=${commonName}`, "-keyout", path("key"), "-out", path("csr")],
    ]);
    await openssl([
      ...["x509", "-req", "-in", path("csr"), "-CA", this.caPath, "-CAkey", this.#keyPath],
      ...["-CAcreateserial", "-days", String(days), "-extfile", extensions, "-out", path("pem")],
    ]);
    return { certPath: path("pem"), keyPath: path("key") };
  }
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
