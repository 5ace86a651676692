import type { CredentialFiles } from "../tls/credentials.ts";
import { mutualTrust, type NodeTrust } from "../tls/node_trust.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagValues } from "./flag_values.ts";

/** How the nodes' connections are protected. */
export type NodeTlsConfiguration =
  | { readonly type: "off" }
  | { readonly type: "files"; readonly files: CredentialFiles; readonly trust: NodeTrust }
  | { readonly type: "secret"; readonly secretPath: string; readonly trust: NodeTrust };

const fileFlags = ["node-cert", "node-key", "node-ca-cert"] as const;
const trustFlags = [
  "node-no-verify",
  "node-verify-client",
  "node-verify-server-name",
  "node-verify-common-name",
] as const;

/** Throws a FlagError for flags that would have no effect together, each a false sense of safety. */
export function nodeTlsOf(values: FlagValues): NodeTlsConfiguration {
  const given = [...fileFlags, ...trustFlags].filter((flag) => values[flag]);
  const acceptPlain = values["node-accept-plain"];
  const secretPath = values["node-auto-tls"];
  if (secretPath !== "") {
    refuse(given.length > 0, `-node-auto-tls has no need of -${given[0]}: give one or the other`);
    return { type: "secret", secretPath, trust: { ...mutualTrust, acceptPlain } };
  }
  const cert = values["node-cert"];
  const key = values["node-key"];
  refuse(cert !== "" && key === "", "-node-cert needs -node-key, the file of its key");
  refuse(key !== "" && cert === "", "-node-key needs -node-cert, the file of its certificate");
  if (cert === "") {
    const [idle] = acceptPlain ? ["node-accept-plain"] : given;
    refuse(
      idle !== undefined,
      `-${idle} does nothing without TLS between nodes: give -node-cert and -node-key (or -node-auto-tls)`,
    );
    return { type: "off" };
  }
  checkTrust(values);
  return {
    type: "files",
    files: { certPath: cert, keyPath: key, caPath: values["node-ca-cert"] },
    trust: {
      verifyServer: !values["node-no-verify"],
      serverName: values["node-verify-server-name"] || undefined,
      verifyClient: values["node-verify-client"],
      clientCommonName: values["node-verify-common-name"] || undefined,
      acceptPlain,
    },
  };
}

function checkTrust(values: FlagValues): void {
  const ca = values["node-ca-cert"];
  const verifyClient = values["node-verify-client"];
  const noVerify = values["node-no-verify"];
  refuse(
    verifyClient && ca === "",
    "-node-verify-client needs -node-ca-cert: else whoever has a certificate of any public authority were let in",
  );
  refuse(
    values["node-verify-common-name"] !== "" && !verifyClient,
    "-node-verify-common-name does nothing without -node-verify-client: give that too",
  );
  refuse(
    noVerify && values["node-verify-server-name"] !== "",
    "-node-no-verify and -node-verify-server-name exclude each other: leave out the first to have names verified",
  );
  refuse(
    noVerify && ca !== "" && !verifyClient,
    "-node-ca-cert does nothing with -node-no-verify and without -node-verify-client: leave out -node-no-verify",
  );
}

function refuse(wrong: boolean, message: string): void {
  if (wrong) throw new FlagError(1, message);
}
