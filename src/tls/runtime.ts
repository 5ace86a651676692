import { isDenoFrom } from "../base/deno_version.ts";

/**
 * Before it, node:tls of Deno cannot begin on a socket in use, nor ask a client for a certificate:
 * to 2.7.12 it never asks and says of nobody that he showed one, 2.7.13 says of everybody that his
 * is believed, and only from 2.7.14 it asks (seen).
 */
const denoMin = [2, 8] as const;

/** Under which Deno the program runs, and whether that is inside it. */
export interface Runtime {
  readonly version: string;
  /** Of a compiled program. */
  readonly compiledIn: boolean;
}

const ownRuntime: Runtime = {
  version: Deno.version.deno,
  compiledIn: Deno.build.standalone,
};

/** Why TLS between nodes is not to be had under this Deno; undefined when it is. */
export function nodeTlsMissing(runtime = ownRuntime): string | undefined {
  return missing("TLS between nodes", runtime);
}

/** Why clients cannot be asked for certificates under this Deno; undefined when they can. */
export function clientCertificatesMissing(runtime = ownRuntime): string | undefined {
  const sentence = missing("-http-verify-client", runtime);
  return sentence && `${sentence}; without that flag HTTPS works here, with users by -auth`;
}

function missing(what: string, { version, compiledIn }: Runtime): string | undefined {
  if (isDenoFrom(denoMin, version)) return undefined;
  const needs = `${what} needs Deno ${denoMin.join(".")} or newer`;
  return compiledIn
    ? `${needs}, and this program was compiled with ${version}: compile it anew under a newer one ` +
      "(npx -y deno task compile), or run the sources (npx -y deno task start)"
    : `${needs}, and this is ${version}: get a newer one (deno upgrade)`;
}
