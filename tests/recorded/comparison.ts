import { exceptionFor, isSame } from "./exceptions.ts";
import { ask, type RecordedAnswer, type RecordedSeries } from "./recording.ts";
import { prelude, type SentRequest } from "./request_series.ts";

/** A request that was answered otherwise than it was recorded, for no reason that is known. */
export interface Disagreement {
  readonly seed: string;
  readonly at: number;
  readonly request: SentRequest;
  readonly recorded: RecordedAnswer;
  readonly answer: RecordedAnswer;
}

export interface Comparison {
  readonly wrong: readonly Disagreement[];
  /** Requests that were sent; the rest of a series that has gone apart is not. */
  readonly compared: number;
  /** How often each exception was met, by its row. */
  readonly exceptions: ReadonlyMap<string, number>;
}

/** Sends the recorded requests to the server at `url`, and compares what it answers. */
export async function compare(url: string, series: readonly RecordedSeries[]): Promise<Comparison> {
  const wrong: Disagreement[] = [];
  const exceptions = new Map<string, number>();
  let compared = 0;
  for (const { seed, steps } of series) {
    for (const request of prelude()) await ask(url, request);
    for (const [at, { request, answer: recorded }] of steps.entries()) {
      const answer = await ask(url, request);
      compared++;
      const exception = exceptionFor(request, recorded, answer);
      if (exception !== undefined) {
        exceptions.set(exception.row, (exceptions.get(exception.row) ?? 0) + 1);
        if (exception.endsSeries) break;
      } else if (!isSame(recorded, answer)) {
        wrong.push({ seed: String(seed), at, request, recorded, answer });
        // What follows may be otherwise because of this.
        break;
      }
    }
  }
  return { wrong, compared, exceptions };
}
