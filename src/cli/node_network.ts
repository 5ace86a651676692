import { messageOf } from "../base/message_of.ts";
import { DenoNetwork } from "../io/deno_network.ts";
import type { Logger, Network } from "../io/types.ts";
import { WatchedFiles } from "../io/watched_files.ts";
import { StartError } from "../member/start_error.ts";
import type { TlsCredentials } from "../tls/credentials.ts";
import { NodeTlsNetwork } from "../tls/node_network.ts";
import type { NodeTrust } from "../tls/node_trust.ts";
import { nodeTlsMissing } from "../tls/runtime.ts";
import { SecretCredentials } from "../tls/secret_credentials.ts";
import { readSecrets } from "../tls/shared_secret.ts";
import type { NodeTlsFigures } from "../http/types.ts";
import { warnOfReaders, watchCertificate } from "./certificate_files.ts";
import type { Configuration } from "./flags.ts";
import type { NodeTlsConfiguration } from "./node_tls_flags.ts";
import type { WatchParts } from "./watched_list.ts";

/** Where the other nodes are reached, and what /status tells of it; undefined figures without TLS. */
export interface NodeNetwork {
  readonly network: Network;
  readonly figures: (() => NodeTlsFigures) | undefined;
}

/** The network that the flags ask for. Throws a StartError when files are not what they should be. */
export async function openNodeNetwork(
  configuration: Configuration,
  parts: WatchParts,
): Promise<NodeNetwork> {
  const { nodeTls, nodeId } = configuration;
  if (nodeTls.type === "off") return { network: new DenoNetwork(), figures: undefined };
  const missing = nodeTlsMissing();
  if (missing !== undefined) throw new StartError(missing);
  let credentials: () => TlsCredentials;
  try {
    credentials = await openCredentials(nodeTls, nodeId, parts);
  } catch (error) {
    throw new StartError(`Cannot set up TLS between nodes: ${messageOf(error)}`, { cause: error });
  }
  const { trust } = nodeTls;
  warn(trust, parts.logger);
  return {
    network: new NodeTlsNetwork({ credentials, trust }),
    figures: () => ({
      certificate: credentials(),
      verifiesClients: trust.verifyClient,
      verifiesServers: trust.verifyServer,
      acceptsPlain: trust.acceptPlain,
    }),
  };
}

async function openCredentials(
  nodeTls: Exclude<NodeTlsConfiguration, { readonly type: "off" }>,
  nodeId: string,
  parts: WatchParts,
): Promise<() => TlsCredentials> {
  if (nodeTls.type === "files") {
    const what = "The certificate for the other nodes";
    const credentials = await watchCertificate(what, nodeTls.files, parts);
    return () => credentials.current;
  }
  const { watched, clock, logger } = parts;
  const path = nodeTls.secretPath;
  const secrets = watched.add(
    await WatchedFiles.open({
      what: "The secret of -node-auto-tls",
      paths: [path],
      read: ([contents = new Uint8Array()]) => readSecrets(contents, path),
      clock,
      logger,
    }),
  );
  await warnOfReaders(path, logger);
  const made = watched.add(await SecretCredentials.open({ secrets, nodeId, clock, logger }));
  return () => made.current;
}

/** What leaves a way in although there is TLS: said at each start. */
function warn({ acceptPlain, verifyClient, verifyServer }: NodeTrust, logger: Logger): void {
  if (acceptPlain) {
    logger.log(
      "WARN",
      "cli",
      "-node-accept-plain: nodes without TLS are let in, and connected to, without encryption; restart without it once all nodes have TLS",
    );
  }
  if (!verifyServer) {
    logger.log(
      "WARN",
      "cli",
      "-node-no-verify: whoever is in between can pass for another node and read everything",
    );
  }
  if (!verifyClient) {
    logger.log(
      "WARN",
      "cli",
      "Whoever reaches the Raft port is taken for a node, with TLS too: -node-verify-client with -node-ca-cert asks for a certificate",
    );
  }
}
