import { WatchedFiles } from "../io/watched_files.ts";
import type { Logger } from "../io/types.ts";
import {
  type CredentialFiles,
  pathsOf,
  readCredentials,
  type TlsCredentials,
} from "../tls/credentials.ts";
import { ExpiryWatch } from "../tls/expiry.ts";
import { closingOf } from "./private_files.ts";
import type { WatchParts } from "./watched_list.ts";

/**
 * Certificate, key and authorities that flags name: read again when they change, and told of before
 * they end. `what` names them in the log: "The certificate for HTTPS". Rejects with an Error that
 * names the file at fault.
 */
export async function watchCertificate(
  what: string,
  files: CredentialFiles,
  { watched, clock, logger }: WatchParts,
): Promise<WatchedFiles<TlsCredentials>> {
  const credentials = watched.add(
    await WatchedFiles.open({
      what,
      paths: pathsOf(files),
      read: (contents) => readCredentials(files, contents),
      clock,
      logger,
    }),
  );
  await warnOfReaders(files.keyPath, logger);
  watched.add(
    new ExpiryWatch({
      what: `${what} (${files.certPath})`,
      validity: () => credentials.current,
      clock,
      logger,
    }),
  );
  return credentials;
}

/** Says when others on this machine can read a file that is secret. */
export async function warnOfReaders(path: string, logger: Logger): Promise<void> {
  const closing = closingOf(path, await Deno.stat(path));
  if (closing === undefined) return;
  logger.log("WARN", "cli", `${path} can be read by other users of this machine: ${closing}`);
}
