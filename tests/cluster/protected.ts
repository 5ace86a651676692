import { createHash } from "node:crypto";
import { join } from "node:path";
import { Authority, type Issued } from "../tls/authority.ts";
import type { Asker } from "./harness.ts";

export const user = { name: "fiona", password: "fióna's pass:word" };
export const token = "rl_the-token-itself";

/** Certificates and users in a directory, for nodes that speak HTTPS and ask who calls. */
export interface Protected extends AsyncDisposable {
  readonly authority: Authority;
  /** What nodes are started with, the first one and those that join it. */
  readonly flags: readonly string[];
  /** As `user`, who may do everything, showing `pair`. */
  readonly asker: Asker;
  /** A client's certificate. */
  readonly pair: Issued;
}

/** Of the users `user`, who also has `token`, may do everything, and `*` nothing. */
export async function protect(): Promise<Protected> {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-protected-" });
  const authority = await Authority.create(directory);
  const { certPath, keyPath } = await authority.issue({ name: "node" });
  const pair = await authority.issue({ name: "client" });
  const users = join(directory, "users.json");
  const hash = `sha256:${createHash("sha256").update(token).digest("hex")}`;
  const entry = { username: user.name, password: user.password, perms: ["all"] };
  await Deno.writeTextFile(users, JSON.stringify([{ ...entry, tokens: [{ name: "t", hash }] }]));
  const [ca, cert, key] = await Promise.all(
    [authority.caPath, pair.certPath, pair.keyPath].map((path) => Deno.readTextFile(path)),
  );
  const client = Deno.createHttpClient({ caCerts: [ca ?? ""], cert: cert ?? "", key: key ?? "" });
  return {
    authority,
    pair,
    flags: [
      ...["-http-cert", certPath, "-http-key", keyPath],
      ...["-auth", users, "-join-as", user.name],
    ],
    asker: { client, authorization: `Bearer ${token}` },
    async [Symbol.asyncDispose]() {
      client.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
