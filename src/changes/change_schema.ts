/** The tables of a change log's file; README.md says what is in them. */
export const changeSchema = `
  CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY, applied INTEGER, statement INTEGER, offset INTEGER, oldest INTEGER
  );
  INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0, 1);
  CREATE TABLE IF NOT EXISTS chunk (
    number INTEGER PRIMARY KEY, first INTEGER, change INTEGER, last INTEGER, applied INTEGER,
    statement INTEGER, offset INTEGER, to_applied INTEGER, to_statement INTEGER, to_offset INTEGER,
    start INTEGER, size INTEGER, bytes BLOB
  );
`;

/** How far the database was at the last commit: a chunk that was alone in its transaction says it itself. */
export const positionQuery =
  "SELECT * FROM (SELECT applied, statement, offset FROM state UNION ALL " +
  "SELECT * FROM (SELECT to_applied, to_statement, to_offset FROM chunk ORDER BY number DESC LIMIT 1)) " +
  "ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1";
