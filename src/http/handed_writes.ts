import type { WriteAnswer } from "../cluster/types.ts";
import { Withdrawal } from "../cluster/withdrawal.ts";
import type { AppState } from "./app_state.ts";
import { errorAnswer } from "./error_answer.ts";
import { keyOf } from "./idempotency_key.ts";
import { refuseOnStandby } from "./standby.ts";
import type { ReceivedWrite } from "./threads/handed_write.ts";
import type { HandedWriteHandler } from "./threads/write_taker.ts";

/** The route of writes that are handed over, and how a request for it is known. */
const route = "/db/execute";
const request = { url: `http://localhost${route}` };

/**
 * Carries out writes that another thread has let in, read and checked: what is left of /db/execute.
 * The audit, which is told of this route's refusals only, has nothing to hear of them: who may not
 * write, or has rights to some tables, is not let in there, but passed on as any other request.
 */
export function handedWrites(app: AppState): HandedWriteHandler {
  const figures = app.requests.of(route);
  return (handed) => {
    const countOut = app.countIn(figures);
    app.counters.executions++;
    if (app.gate !== undefined) app.counters.auth_ok++;
    app.counters.execute_stmts_rx += handed.encoded.length;
    return carriedOut(app, handed).then((answer) => {
      countOut(200);
      return answer;
    }, (error) => {
      const response = errorAnswer(app, error);
      countOut(response.status);
      return response;
    });
  };
}

async function carriedOut(app: AppState, handed: ReceivedWrite): Promise<WriteAnswer> {
  refuseOnStandby(app);
  const { encoded, transaction, format, statementTimeoutMs, timeoutMs, key, username } = handed;
  const turn = app.turnBudget.admit(encoded.bytes.length);
  if (turn !== undefined) await turn;
  const withdrawal = new Withdrawal();
  using _ = app.running.begin(new HandedWork(handed), { write: withdrawal });
  return await app.service.write({
    statements: encoded,
    transaction,
    unified: false,
    format,
    statementTimeoutMs,
    timeoutMs,
    key: keyOf(app, key, { username, format }),
    withdrawal,
  });
}

/** Such a write, as long as it is under way. */
class HandedWork {
  readonly request = request;
  readonly #handed: ReceivedWrite;

  constructor(handed: ReceivedWrite) {
    this.#handed = handed;
  }

  get requester() {
    const { username, address } = this.#handed;
    return { username, address };
  }

  get statements() {
    return this.#handed.encoded;
  }
}
