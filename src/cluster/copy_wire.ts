import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import type { CopyCall } from "./comparison_types.ts";

/** What each call has beside `do`, and of which type. */
const fields: Readonly<Record<CopyCall["do"], Readonly<Record<string, string>>>> = {
  arm: { id: "string", after: "string" },
  digest: { id: "string" },
  chunks: { id: "string", table: "string" },
  rows: { id: "string", table: "string", from: "number", count: "number" },
  end: { id: "string" },
  replace: { id: "string", reason: "string" },
  tell: { report: "object" },
};

/** A text, of JSON, in a call and in its answer. */
export function writeJson(writer: ByteWriter, value: unknown): void {
  writer.text(JSON.stringify(value ?? null));
}

export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writeJson(writer, value);
  return writer.copy();
}

export function readJson(reader: ByteReader): unknown {
  const text = reader.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError("What nodes say of their copies is not JSON", { cause: error });
  }
}

export function decodeCopyCall(payload: Uint8Array): CopyCall {
  const value = readJson(new ByteReader(payload)) as Record<string, unknown> | null;
  const name = value?.do;
  const expected = typeof name === "string" && Object.hasOwn(fields, name)
    ? Object.entries(fields[name as CopyCall["do"]])
    : undefined;
  const isSound = expected?.every(([field, type]) =>
    typeof value?.[field] === type && value?.[field] !== null
  );
  if (!isSound) throw new FormatError("What a leader asks of copies is not known here");
  return value as unknown as CopyCall;
}
