import type { AnswerFormat } from "../types.ts";

// How an answer is to be written, in a byte; 0 where nobody wants one.

const wanted = 1;
const formatBits = {
  associative: 2,
  timings: 4,
  blobArray: 8,
  qualifyColumns: 16,
  unified: 32,
  exact: 64,
} as const satisfies Record<keyof AnswerFormat, number>;

export function encodeFormat(format: AnswerFormat | undefined): number {
  if (format === undefined) return 0;
  return wanted | (format.associative ? formatBits.associative : 0) |
    (format.timings ? formatBits.timings : 0) | (format.blobArray ? formatBits.blobArray : 0) |
    (format.qualifyColumns ? formatBits.qualifyColumns : 0) |
    (format.unified ? formatBits.unified : 0) | (format.exact ? formatBits.exact : 0);
}

/** One object for each of the 128 formats. */
const formats: readonly (AnswerFormat | undefined)[] = Array.from(
  { length: 128 },
  (_, bits) =>
    (bits & wanted) === 0 ? undefined : {
      associative: (bits & formatBits.associative) !== 0,
      timings: (bits & formatBits.timings) !== 0,
      blobArray: (bits & formatBits.blobArray) !== 0,
      qualifyColumns: (bits & formatBits.qualifyColumns) !== 0,
      unified: (bits & formatBits.unified) !== 0,
      exact: (bits & formatBits.exact) !== 0,
    },
);

export function decodeFormat(bits: number): AnswerFormat | undefined {
  return formats[bits];
}
