import { fillerTable } from "../scenarios.ts";
import { call, isFinal, type Target } from "../target.ts";

/** Bytes of a row, about, and rows that one statement adds. */
const rowBytes = 1024;
const rowsAtOnce = 32 * 1024;
/** How long one statement may take, in ms. */
const statementMsMax = 600_000;
/** How often a statement is sent that is not said to have succeeded. */
const triesMax = 10;
/** A line of progress for each so many bytes. */
const toldBytes = 1e9;

/** Makes a target's database large, by statements that its nodes carry out by themselves. */
export async function fill(
  target: Target,
  sizeBytes: number,
  progress: (line: string) => void,
): Promise<void> {
  const [endpoint] = target.endpoints;
  if (sizeBytes === 0 || endpoint === undefined) return;
  progress(`${target.name} is filled`);
  const execute = (sql: string) =>
    insist(() =>
      call(endpoint, `POST /db/execute?timeout=${statementMsMax}ms`, {
        json: JSON.stringify([sql]),
        timeoutMs: statementMsMax,
      })
    );
  await execute(`CREATE TABLE IF NOT EXISTS ${fillerTable}(id INTEGER PRIMARY KEY, content TEXT)`);
  const rows = Math.ceil(sizeBytes / rowBytes);
  for (let done = 0; done < rows;) {
    const last = Math.min(rows, done + rowsAtOnce);
    await execute(
      `WITH RECURSIVE r(n) AS (VALUES(${
        done + 1
      }) UNION ALL SELECT n + 1 FROM r WHERE n < ${last}) ` +
        `INSERT INTO ${fillerTable}(id, content) ` +
        `SELECT n, printf('%.*c', ${rowBytes - 16}, 'x') FROM r WHERE true ON CONFLICT DO NOTHING`,
    );
    const told = Math.floor(last * rowBytes / toldBytes);
    if (told > Math.floor(done * rowBytes / toldBytes)) progress(`${target.name} has ${told} GB`);
    done = last;
  }
}

/** What is not confirmed in time may be done all the same: then these rows once more change nothing. */
async function insist(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries === triesMax || isFinal(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
