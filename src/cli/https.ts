import type { HttpsOptions } from "../http/listen.ts";
import type { HttpsInfo } from "../http/types.ts";
import type { Clock, Logger } from "../io/types.ts";
import { WatchedFiles } from "../io/watched_files.ts";
import { StartError } from "../member/start_error.ts";
import { pathsOf, readCredentials } from "../tls/credentials.ts";
import { ExpiryWatch } from "../tls/expiry.ts";
import type { HttpTls } from "./flags.ts";
import { warnOfReaders } from "./node_network.ts";
import type { WatchedList } from "./watched_list.ts";

interface HttpsParts {
  readonly watched: WatchedList;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OpenHttps {
  readonly options: HttpsOptions;
  readonly info: HttpsInfo;
}

/** HTTPS with the files that flags name, read again when they change. Rejects with a StartError. */
export async function openHttps(
  tls: HttpTls,
  { watched, clock, logger }: HttpsParts,
): Promise<OpenHttps> {
  try {
    const certificates = await WatchedFiles.open({
      what: "The certificate for HTTPS",
      paths: pathsOf(tls),
      read: (contents) => readCredentials(tls, contents),
      clock,
      logger,
    });
    watched.add(certificates);
    await warnOfReaders(tls.keyPath, logger);
    watched.add(
      new ExpiryWatch({
        what: `The certificate for HTTPS (${tls.certPath})`,
        notAfter: () => certificates.current.notAfter,
        clock,
        logger,
      }),
    );
    const { certPath, keyPath, caPath, verifyClient, commonName } = tls;
    return {
      options: { certificates, clients: verifyClient ? { commonName } : undefined },
      info: {
        certPath,
        keyPath,
        caPath,
        verifyClient,
        certificate: () => certificates.current,
        reloadFailure: () => certificates.failure,
      },
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StartError(`Cannot serve HTTPS: ${error.message}`, { cause: error });
  }
}
