/** The tables of a change log's file; README.md says what is in them. */
export const changeSchema = `
  CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY, applied INTEGER, statement INTEGER, offset INTEGER, oldest INTEGER
  );
  INSERT OR IGNORE INTO state VALUES (1, 0, 0, 0, 1);
  CREATE TABLE IF NOT EXISTS chunk (
    number INTEGER PRIMARY KEY, first INTEGER, change INTEGER, last INTEGER, applied INTEGER,
    statement INTEGER, offset INTEGER, start INTEGER, size INTEGER, bytes BLOB
  );
`;
