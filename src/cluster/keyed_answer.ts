import { assert } from "../base/assert.ts";
import { KeyedAnswer, type Results } from "../store/types.ts";
import { ServiceError, type WriteAnswer } from "./types.ts";

/** What the answer to a request with an idempotency key says, by the byte before its results. */
export function keyedAnswer(answer: WriteAnswer): WriteAnswer {
  const { results } = answer;
  const mark = typeof results === "string" ? results.charCodeAt(0) : results[0];
  switch (mark) {
    case KeyedAnswer.first:
      return { ...answer, results: behind(results) };
    case KeyedAnswer.repeated:
      return { ...answer, results: behind(results), repeated: true };
    case KeyedAnswer.notKept:
      return { ...answer, results: "", repeated: "results_not_kept" };
    case KeyedAnswer.other:
      throw new ServiceError(
        "key_reused",
        "Idempotency-Key was another request's: choose a new one",
      );
    default:
      assert(
        mark === KeyedAnswer.unknown,
        `The answer to a request with a key begins with ${mark}`,
      );
      throw new ServiceError(
        "key_unknown",
        "Nothing was carried out under this Idempotency-Key, or it is too long ago",
      );
  }
}

function behind(results: Results): Results {
  return typeof results === "string" ? results.slice(1) : results.subarray(1);
}
