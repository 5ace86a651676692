import { BoundedMap } from "../base/bounded_map.ts";

/** What Go's server takes for a host, but for what no URL can have there. */
const form = /^https?:\/\/[A-Za-z0-9!$%&'()*+,.:;=[\]_~-]+$/;

/** Beginnings of URLs that are remembered: clients name few hosts. */
const seen = new BoundedMap<boolean>(256);

/**
 * Whether all read the same path in a request's URL. The server makes that of the Host header as it
 * came, which may be anything: by one rule the path would begin in it, by another behind it, and some
 * would not read it at all.
 */
export function hasSoundAuthority(url: string): boolean {
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  const beginning = url.slice(0, Math.max(0, pathAt));
  const known = seen.get(beginning);
  if (known !== undefined) return known;
  const isSound = form.test(beginning) && URL.canParse(beginning);
  if (beginning.length <= beginningMax) seen.set(beginning, isSound);
  return isSound;
}

/** Longer ones are not remembered. */
const beginningMax = 256;
