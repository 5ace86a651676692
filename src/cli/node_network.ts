import { messageOf } from "../base/message_of.ts";
import { DenoNetwork } from "../io/deno_network.ts";
import type { Clock, Logger, Network } from "../io/types.ts";
import { WatchedFiles } from "../io/watched_files.ts";
import { StartError } from "../member/start_error.ts";
import { pathsOf, readCredentials, type TlsCredentials } from "../tls/credentials.ts";
import { ExpiryWatch } from "../tls/expiry.ts";
import { NodeTlsNetwork } from "../tls/node_network.ts";
import { nodeTlsMissing } from "../tls/runtime.ts";
import { SecretCredentials } from "../tls/secret_credentials.ts";
import { readSecrets } from "../tls/shared_secret.ts";
import type { NodeTlsFigures } from "../http/types.ts";
import type { Configuration } from "./flags.ts";
import type { WatchedList } from "./watched_list.ts";

interface Parts {
  readonly watched: WatchedList;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where the other nodes are reached, and what /status tells of it; undefined figures without TLS. */
export interface NodeNetwork {
  readonly network: Network;
  readonly figures: (() => NodeTlsFigures) | undefined;
}

/** The network that the flags ask for. Throws a StartError when files are not what they should be. */
export async function openNodeNetwork(
  configuration: Configuration,
  parts: Parts,
): Promise<NodeNetwork> {
  const { nodeTls } = configuration;
  if (nodeTls.type === "off") return { network: new DenoNetwork(), figures: undefined };
  const missing = nodeTlsMissing();
  if (missing !== undefined) throw new StartError(missing);
  let credentials: () => TlsCredentials;
  try {
    credentials = await openCredentials(configuration, parts);
  } catch (error) {
    throw new StartError(`Cannot set up TLS between nodes: ${messageOf(error)}`, { cause: error });
  }
  warn(configuration, parts.logger);
  const { trust } = nodeTls;
  return {
    network: new NodeTlsNetwork({ credentials, trust }),
    figures: () => ({
      certificateEndsMs: credentials().notAfter,
      certificateSubject: credentials().subject,
      verifiesClients: trust.verifyClient,
      verifiesServers: trust.verifyServer,
      acceptsPlain: trust.acceptPlain,
    }),
  };
}

async function openCredentials(
  { nodeTls, nodeId }: Configuration,
  { watched, clock, logger }: Parts,
): Promise<() => TlsCredentials> {
  if (nodeTls.type === "secret") {
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
  if (nodeTls.type === "off") throw new StartError("There is no TLS between nodes");
  const { files } = nodeTls;
  const watching = watched.add(
    await WatchedFiles.open({
      what: "The certificate for the other nodes",
      paths: pathsOf(files),
      read: (contents) => readCredentials(files, contents),
      clock,
      logger,
    }),
  );
  await warnOfReaders(files.keyPath, logger);
  watched.add(
    new ExpiryWatch({
      what: `The certificate for the other nodes (${files.certPath})`,
      notAfter: () => watching.current.notAfter,
      clock,
      logger,
    }),
  );
  return () => watching.current;
}

/** What leaves a way in although there is TLS: said at each start. */
function warn({ nodeTls }: Configuration, logger: Logger): void {
  if (nodeTls.type === "off") return;
  const { acceptPlain, verifyClient, verifyServer } = nodeTls.trust;
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

/** Says when others on this machine can read a file that is secret. */
export async function warnOfReaders(path: string, logger: Logger): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & 0o077) === 0) return;
  logger.log(
    "WARN",
    "cli",
    `${path} can be read by other users of this machine: chmod 600 ${path}`,
  );
}
