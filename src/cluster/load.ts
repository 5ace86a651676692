import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import type { Command } from "../store/types.ts";
import { ServiceError, type WriteAnswer } from "./types.ts";
import type { CommandMaker } from "./write_path.ts";

/** Bytes of the file in one entry of the log. */
const chunkBytes = 1024 * 1024;
/** How long one piece may wait for the cluster, and the last one for the check of the whole, in ms. */
const chunkTimeoutMs = 30_000;
const commitTimeoutMs = 600_000;

export type Submit = (make: CommandMaker, timeoutMs: number) => Promise<WriteAnswer>;

/**
 * Replaces the database by a SQLite file, on all nodes: the file goes through the log in pieces
 * and becomes the database, whole and verified, with the last entry, whose index it resolves with.
 * Memory does not grow with it.
 *
 * @param submitLast Brings the last entry into the log.
 * @param prepared Resolves when this node is ready for that, for which all writes wait.
 */
export async function loadDatabase(
  file: AsyncIterable<Uint8Array>,
  { submit, submitLast, prepared }: {
    readonly submit: Submit;
    readonly submitLast: Submit;
    readonly prepared: () => Promise<void>;
  },
  signal?: AbortSignal,
): Promise<number> {
  const loadId = crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
  let size = 0;
  let sum = 0;
  /** Pieces of it may be there. */
  let isThere = false;
  try {
    for await (const bytes of pieces(file)) {
      signal?.throwIfAborted();
      const offset = size;
      await expectSuccess(submit, chunkTimeoutMs, (request) => ({
        type: "load_chunk",
        loadId,
        offset,
        bytes,
        request,
      })).catch((error) => {
        isThere ||= isDoubtful(error);
        throw ofPiece(error);
      });
      isThere = true;
      sum = checksum(bytes, sum);
      size += bytes.length;
    }
    await prepared();
    signal?.throwIfAborted();
    return await expectSuccess(submitLast, commitTimeoutMs, (request) => ({
      type: "load_commit",
      loadId,
      size,
      checksum: sum,
      request,
    })).catch((error) => {
      throw ofLast(error);
    });
  } catch (error) {
    // A load that is given up leaves its pieces behind: they are dropped now, or by the next load.
    const abort = (request: Command["request"]): Command => ({
      type: "load_abort",
      loadId,
      request,
    });
    if (isThere) await submit(abort, chunkTimeoutMs).catch(() => {});
    throw error;
  }
}

/** Whatever became of a piece: without the last entry nothing is loaded, and that was not sent. */
function ofPiece(error: unknown): unknown {
  if (!isDoubtful(error)) return error;
  return new ServiceError(
    "unavailable",
    "Load failed, nothing was changed: nobody knows whether a piece of the file has arrived, send " +
      `it again (${error.message})`,
    { cause: error },
  );
}

/** Whether an entry may have had its effect, be it that only the answer is lost. */
function isDoubtful(error: unknown): error is ServiceError {
  return error instanceof ServiceError &&
    (error.kind === "unknown_outcome" || error.kind === "failed");
}

/** An entry that was applied, and its answer lost, may have refused the file. */
function ofLast(error: unknown): unknown {
  if (!(error instanceof ServiceError) || error.kind !== "failed") return error;
  return new ServiceError(
    "unknown_outcome",
    "Outcome unknown: the file is the database now, or was refused and nothing was changed; the " +
      "answer that says which is lost",
    { cause: error },
  );
}

async function expectSuccess(
  submit: Submit,
  timeoutMs: number,
  make: CommandMaker,
): Promise<number> {
  const { results, raftIndex } = await submit(make, timeoutMs);
  if (results.length === 0) return raftIndex;
  const text = typeof results === "string" ? results : new TextDecoder().decode(results);
  const result: unknown = JSON.parse(text);
  if (typeof result === "object" && result !== null && "error" in result) {
    throw new ServiceError("invalid", String(result.error));
  }
  return raftIndex;
}

/** The stream's bytes in pieces of the same size, but the last; each is valid until the next. */
async function* pieces(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(chunkBytes);
  let filled = 0;
  for await (const bytes of stream) {
    let taken = 0;
    while (taken < bytes.length) {
      const part = bytes.subarray(taken, taken + chunkBytes - filled);
      piece.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled === chunkBytes) {
        yield piece;
        filled = 0;
      }
    }
  }
  assert(filled < chunkBytes, "A full piece of a load was left behind");
  if (filled > 0) yield piece.subarray(0, filled);
}
