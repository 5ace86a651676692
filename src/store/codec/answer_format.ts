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
  typed: 128,
} as const;
/** In typed form, in which nothing is associative: statements are described. */
const describes = formatBits.associative;

export function encodeFormat(format: AnswerFormat | undefined): number {
  if (format === undefined) return 0;
  if (format.typed) {
    return wanted | formatBits.typed | (format.unified ? formatBits.unified : 0) |
      (format.describes ? describes : 0);
  }
  return wanted | (format.associative ? formatBits.associative : 0) |
    (format.timings ? formatBits.timings : 0) | (format.blobArray ? formatBits.blobArray : 0) |
    (format.qualifyColumns ? formatBits.qualifyColumns : 0) |
    (format.unified ? formatBits.unified : 0) | (format.exact ? formatBits.exact : 0);
}

/** One object for each of the 256 formats. */
const formats = Array.from({ length: 256 }, (_, bits) => formatOf(bits));

function formatOf(bits: number): AnswerFormat | undefined {
  if ((bits & wanted) === 0) return undefined;
  const typed = (bits & formatBits.typed) !== 0;
  const has = (bit: number) => !typed && (bits & bit) !== 0;
  return {
    associative: has(formatBits.associative),
    timings: has(formatBits.timings),
    blobArray: has(formatBits.blobArray),
    qualifyColumns: has(formatBits.qualifyColumns),
    unified: (bits & formatBits.unified) !== 0,
    exact: has(formatBits.exact),
    ...(typed ? { typed } : {}),
    ...(typed && (bits & describes) !== 0 ? { describes: true } : {}),
  };
}

export function decodeFormat(bits: number): AnswerFormat | undefined {
  return formats[bits];
}
