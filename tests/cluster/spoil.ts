import { strict as assert } from "node:assert";

/** Writes other bytes over a part of a file. */
export async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(bytes);
}

/** Changes what a row holds, by one letter that SQLite cannot miss; throws where the row is not in the file. */
export async function spoil(path: string, text: string): Promise<void> {
  const file = new TextDecoder("latin1").decode(await Deno.readFile(path));
  const at = file.indexOf(text);
  assert.ok(at >= 0, `${text} is in ${path}`);
  await overwrite(path, at, new TextEncoder().encode("X"));
}
