/** An object as a stand-in keeps it. */
export interface StandInObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes that the header Range asks for; undefined where it begins behind the end. */
export function requestedBytes(
  { headers }: Request,
  { bytes }: StandInObject,
): Uint8Array<ArrayBuffer> | undefined {
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
  if (Number(from) >= bytes.length) return undefined;
  return bytes.slice(Number(from), to === "" ? undefined : Number(to) + 1);
}
