/**
 * A transaction's id, which names its node. All its characters stand for themselves in a URL and in
 * a shell, so that it may be put there as it is: a node that was given no name has its address for
 * one, with a colon.
 */
export function newId(node: string): string {
  return `${crypto.randomUUID()}.${plain(node)}`;
}

/** The node that an id names; undefined for what was never an id. */
export function nodeIn(id: string): string | undefined {
  const at = id.indexOf(".");
  try {
    return decodeURIComponent(id.slice(at + 1).replaceAll("~", "%"));
  } catch {
    return undefined;
  }
}

/** As in a URL, but with ~ for %, and for the marks as well that a URL leaves as they are. */
function plain(name: string): string {
  return encodeURIComponent(name)
    .replace(/[~!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)
    .replaceAll("%", "~");
}
