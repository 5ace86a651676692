import type { Clock } from "../../io/types.ts";
import type { ReadStream } from "./read_stream.ts";
import { type AnswerPiece, PieceKind, type ReadTask } from "./read_task.ts";
import type { PendingRead, Reader } from "./reader.ts";

/** What becomes of a read: its answer, or what is answered when its time is over. */
export interface ReadFate<Result> {
  /** 0 for no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resultOf: (piece: AnswerPiece, reader: Reader) => Result | OpenStream<Result>;
  readonly resultOfTimeout: () => Result | Promise<Result>;
}

/** The answer that `piece` opens is a stream. */
export class OpenStream<Result> {
  constructor(readonly stream: ReadStream, readonly result: Result) {}
}

interface Surroundings {
  readonly clock: Clock;
  /** Ends the read before its time; true when no reader has it, which would answer all the same. */
  readonly stop: (read: PendingRead, timedOut: boolean) => boolean;
}

/**
 * A read for a reader, and the promise of its answer, which ends with the first of these: a piece of
 * an answer, its time, the signal, which rejects with its reason. What an answer that has begun is
 * still sent goes into its stream.
 */
export function awaitRead<Result>(
  read: ReadTask,
  { timeoutMs, signal, resultOf, resultOfTimeout }: ReadFate<Result>,
  { clock, stop }: Surroundings,
): { readonly pending: PendingRead; readonly answer: Promise<Result> } {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Result>();
  let stream: ReadStream | undefined;
  const timer = timeoutMs > 0
    ? clock.after(timeoutMs, () => {
      if (!stop(pending, true)) return;
      finish();
      resolve(resultOfTimeout());
    })
    : undefined;
  const aborted = () => {
    finish();
    reject(signal?.reason);
    stream?.fail(signal?.reason);
    stop(pending, false);
  };
  signal?.addEventListener("abort", aborted, { once: true });
  const finish = () => {
    timer?.cancel();
    signal?.removeEventListener("abort", aborted);
  };
  const pending: PendingRead = {
    ...read,
    piece: (piece, reader) => {
      if (piece.kind !== PieceKind.part) finish();
      if (piece.kind === PieceKind.cancelled) {
        stream?.fail(new Error("Answer stopped: the database is being replaced or closed"));
        return;
      }
      if (stream !== undefined) {
        stream.part(piece.bytes, piece.kind !== PieceKind.part);
        return;
      }
      const result = resultOf(piece, reader);
      if (result instanceof OpenStream) {
        stream = result.stream;
        resolve(result.result);
      } else {
        resolve(result);
      }
    },
    fail: (error) => {
      finish();
      reject(error);
      stream?.fail(error);
    },
  };
  return { pending, answer };
}
