import { fillerTable } from "../scenarios.ts";
import { call, type Target } from "../target.ts";

/** Bytes of a row, about, and rows that one statement adds. */
const rowBytes = 1024;
const rowsAtOnce = 32 * 1024;
/** How long one statement may take, in ms. */
const statementMsMax = 600_000;
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
    call(endpoint, `POST /db/execute?timeout=${statementMsMax}ms`, {
      json: JSON.stringify([sql]),
      timeoutMs: statementMsMax,
    });
  await execute(`CREATE TABLE ${fillerTable}(id INTEGER PRIMARY KEY, content TEXT)`);
  const statementBytes = rowBytes * rowsAtOnce;
  for (let filled = 0; filled < sizeBytes; filled += statementBytes) {
    const rows = Math.min(rowsAtOnce, Math.ceil((sizeBytes - filled) / rowBytes));
    await execute(
      `WITH RECURSIVE r(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM r WHERE n < ${rows}) ` +
        `INSERT INTO ${fillerTable}(content) SELECT printf('%.*c', ${rowBytes - 16}, 'x') FROM r`,
    );
    const told = Math.floor((filled + statementBytes) / toldBytes);
    if (told > Math.floor(filled / toldBytes)) progress(`${target.name} has ${told} GB`);
  }
}
