import type { HttpsOptions } from "../http/listen.ts";
import type { HttpsInfo } from "../http/types.ts";
import { StartError } from "../member/start_error.ts";
import { clientCertificatesMissing } from "../tls/runtime.ts";
import { watchCertificate } from "./certificate_files.ts";
import type { HttpTls } from "./https_flags.ts";
import type { WatchParts } from "./watched_list.ts";

export interface OpenHttps {
  readonly options: HttpsOptions;
  readonly info: HttpsInfo;
}

/** HTTPS with the files that flags name, read again when they change. Rejects with a StartError. */
export async function openHttps(
  tls: HttpTls,
  parts: WatchParts,
): Promise<OpenHttps> {
  const missing = tls.verifyClient ? clientCertificatesMissing() : undefined;
  if (missing !== undefined) throw new StartError(missing);
  try {
    const certificates = await watchCertificate("The certificate for HTTPS", tls, parts);
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
