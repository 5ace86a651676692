/** A network address that is not `host:port`; the message says what is wrong with it. */
export class AddressError extends Error {
  override name = "AddressError";
}

export interface Address {
  /** Without the brackets of an IPv6 address; "" for every interface. */
  readonly host: string;
  readonly port: number;
}

/** Takes `host:port` or `[ipv6]:port` apart; throws an AddressError at anything else. */
export function parseAddress(text: string): Address {
  if (text === "") throw new AddressError("an address is empty: write it as host:port");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new AddressError(`${text} has a scheme: write it as host:port`);
  }
  const match = /^(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:]*)$/.exec(text);
  if (match === null) {
    throw new AddressError(
      /^[^\[\]]*:[^\[\]]*:/.test(text)
        ? `${text} has too many colons: write an IPv6 address as [address]:port`
        : `${text} has no port: write it as host:port`,
    );
  }
  const host = match[1] ?? match[2] ?? "";
  if (/[\s/?#@,]/.test(host)) throw new AddressError(`${text} has no valid host name`);
  const port = /^\d{1,5}$/.test(match[3] ?? "") ? Number(match[3]) : NaN;
  if (!(port <= 65535)) throw new AddressError(`${text} has no valid port: 1 to 65535`);
  return { host, port };
}

/** The text of an address, `host:port` or `[ipv6]:port`. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The host in an address that the system has told, of whatever form. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(":");
  return colon < 0 ? address : address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
}

const httpsScheme = "https://";

/**
 * A node's HTTP address as the members know it: `host:port`, with `https://` before it where the
 * node speaks that, so that each knows of every other how it is reached.
 */
export function httpAddressOf(address: string, isHttps: boolean): string {
  return isHttps ? httpsScheme + address : address;
}

/** The URL of a node's HTTP address, without a path. */
export function httpUrl(httpAddress: string): string {
  return httpAddress.startsWith(httpsScheme) ? httpAddress : `http://${httpAddress}`;
}

/** The `host:port` of a node's HTTP address. */
export function withoutScheme(httpAddress: string): string {
  return httpAddress.startsWith(httpsScheme) ? httpAddress.slice(httpsScheme.length) : httpAddress;
}

/** Whether an address stands for every interface, so that nobody else can connect to it. */
export function isUnspecified({ host }: Address): boolean {
  return host === "" || host === "0.0.0.0" || /^[0:]+$/.test(host);
}
