import assert from "node:assert/strict";
import { SqliteError } from "../../src/sqlite/mod.ts";
import { openingFailure } from "../../src/store/opening_failure.ts";

const cases: readonly [code: number, message: RegExp][] = [
  [3, /: make the directory and its files writable for the user/],
  [8, /: make the directory and its files writable for the user/],
  [1544, /: make the directory and its files writable for the user/],
  [14, /: make the directory and its files writable for the user/],
  [5, /: end the program that has the file open/],
  [13, /: make room on its disk/],
  [266, / \(SQLITE_IOERR_READ\): see what the system's log says of its disk/],
  [11, /\. Move its data directory away, or remove it, .* send a backup to POST \/db\/load$/],
  [
    8202,
    / \(SQLITE_IOERR_DATA\)\. Start the node again where .* remove \/d\/db\.sqlite-sums and start it/,
  ],
  [26, /\. Move its data directory away, or remove it, .* send a backup to POST \/db\/load$/],
];

Deno.test("openingFailure advises to remove data only where the data is at fault", () => {
  for (const [code, message] of cases) {
    const error = openingFailure("/d/db.sqlite", new SqliteError(code, "what SQLite says"));
    assert.match(error.message, /^Database \/d\/db\.sqlite cannot be used: what SQLite says/);
    assert.match(error.message, message);
    assert.equal(/remove/.test(error.message), [11, 26, 8202].includes(code), String(code));
  }
  const other = openingFailure("/d/db.sqlite", new Error("no row"));
  assert.match(other.message, /no row\. Move its data directory away/);
});
