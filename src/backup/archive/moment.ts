/** Up to where a restore goes. */
export type Point =
  | { readonly type: "newest" }
  | { readonly type: "index"; readonly index: number }
  /** Up to the first entry that was stamped later, in ms since 1970 UTC. */
  | { readonly type: "time"; readonly time: number };

/** How a moment is to be written. */
export const momentForm = "2026-11-29T09:30:00Z";

/** In ms since 1970 UTC; undefined for what is no moment. */
export function momentOf(text: string): number | undefined {
  const time = Date.parse(text);
  // Without a zone it would be another moment on another machine.
  return Number.isNaN(time) || !/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? undefined : time;
}
