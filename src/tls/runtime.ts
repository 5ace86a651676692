/** Before it, node:tls of Deno cannot ask a client for a certificate, nor begin on a socket in use. */
const denoMin = [2, 8] as const;

/** Why TLS between nodes is not to be had under this Deno; undefined when it is. */
export function nodeTlsMissing(version: string = Deno.version.deno): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > denoMin[0] || (major === denoMin[0] && minor >= denoMin[1])) return undefined;
  return `TLS between nodes needs Deno ${denoMin.join(".")} or newer: this is ${version}`;
}
