import { type ByteReader, ByteWriter } from "../base/bytes.ts";
import type { SqliteProfile } from "../store/types.ts";

/** A node's SQLite as it tells the others. */
export interface ToldProfile {
  readonly profile: SqliteProfile;
  /** It was started to put up with another one. */
  readonly permits: boolean;
}

/**
 * permits u8, version, source id; compile options: count u16, each a text; probes: count u8, each
 * group, questions and answers as texts. Integers are little-endian, texts are a 32-bit length and
 * UTF-8. Goes into a handshake, which bounds it.
 */
export function encodeProfile({ profile, permits }: ToldProfile): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(permits ? 1 : 0);
  writer.text(profile.version);
  writer.text(profile.sourceId);
  writer.uint16(profile.compileOptions.length);
  for (const option of profile.compileOptions) writer.text(option);
  writer.uint8(profile.probes.length);
  for (const { group, questions, answers } of profile.probes) {
    writer.text(group);
    writer.text(questions);
    writer.text(answers);
  }
  return writer.copy();
}

export function readProfile(reader: ByteReader): ToldProfile {
  const permits = reader.uint8() === 1;
  const version = reader.text();
  const sourceId = reader.text();
  const compileOptions = Array.from({ length: reader.uint16() }, () => reader.text());
  const probes = Array.from({ length: reader.uint8() }, () => ({
    group: reader.text(),
    questions: reader.text(),
    answers: reader.text(),
  }));
  reader.end();
  return { permits, profile: { version, sourceId, compileOptions, probes } };
}
