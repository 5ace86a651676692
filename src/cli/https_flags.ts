import type { CredentialFiles } from "../tls/credentials.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagValues } from "./flag_values.ts";

/** HTTPS as the flags ask for it. */
export interface HttpTls extends CredentialFiles {
  readonly verifyClient: boolean;
  /** "" for any. */
  readonly commonName: string;
}

/** HTTPS, once the flags that ask for it fit together; throws a FlagError. */
export function httpTlsOf(values: FlagValues): HttpTls | undefined {
  const certPath = values["http-cert"];
  const keyPath = values["http-key"];
  const verifyClient = values["http-verify-client"];
  const commonName = values["http-verify-common-name"];
  const isOn = certPath !== "" && keyPath !== "";
  if (!isOn && (certPath !== "" || keyPath !== "")) {
    const [given, missing] = certPath === "" ? ["-http-key", "-http-cert"] : [
      "-http-cert",
      "-http-key",
    ];
    throw new FlagError(1, `${given} needs ${missing}: HTTPS takes a certificate and its key`);
  }
  if (!isOn && (verifyClient || commonName !== "")) {
    const flag = verifyClient ? "-http-verify-client" : "-http-verify-common-name";
    throw new FlagError(
      1,
      `${flag} needs -http-cert and -http-key: plain HTTP cannot check who its clients are`,
    );
  }
  if (commonName !== "" && !verifyClient) {
    throw new FlagError(
      1,
      "-http-verify-common-name needs -http-verify-client: without it nobody is asked for a certificate",
    );
  }
  if (!isOn) return undefined;
  return { certPath, keyPath, caPath: values["http-ca-cert"], verifyClient, commonName };
}
