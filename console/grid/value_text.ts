import type { Value } from "../api/exact.ts";
import { hexOf, isBlob } from "../sql/export.ts";

/** Characters that a cell shows: the rest is for who opens it. */
const shownMax = 300;
const shownBytesMax = 32;

/** A cell whose text somebody else has made. */
export class Clipped {
  constructor(readonly text: string, readonly kind: "number" | "blob" | "text") {}
}

/** What a cell shows of a value, in one line. */
export function cellText(value: Value | Clipped, type = ""): string {
  if (value instanceof Clipped) return value.text;
  if (value === null) return "NULL";
  if (value === "") return "empty";
  if (isBlob(value)) {
    const rest = value.length > shownBytesMax ? "…" : "";
    return `x’${hexOf(value.slice(0, shownBytesMax))}${rest}’ (${value.length} B)`;
  }
  if (typeof value === "number") {
    return type === "real" && Number.isInteger(value) ? `${value}.0` : String(value);
  }
  const text = typeof value === "string" && value.length > shownMax
    ? `${value.slice(0, shownMax)}…`
    : String(value);
  return text.replace(/\r\n|\r|\n/g, " ⏎ ");
}

/** How a cell looks: what is no value of its own must not look like one. */
export function cellKind(value: Value | Clipped): "none" | "number" | "blob" | "text" {
  if (value instanceof Clipped) return value.kind;
  if (value === null || value === "") return "none";
  if (isBlob(value)) return "blob";
  return typeof value === "string" || typeof value === "boolean" ? "text" : "number";
}
