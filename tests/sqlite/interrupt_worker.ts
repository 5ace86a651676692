/// <reference lib="deno.worker" />
import { Database, InterruptCell, openLibrary, SqliteError } from "../../src/sqlite/mod.ts";

/** Runs an endless statement as the task it is told, and answers with the error's name. */
self.onmessage = ({ data: { location, memory, task } }) => {
  const database = new Database(":memory:", { library: openLibrary(location) });
  const cell = new InterruptCell(memory);
  cell.attach(database);
  cell.begin(task);
  self.postMessage("started");
  let outcome = "done";
  try {
    database.exec(
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c",
    );
  } catch (error) {
    outcome = error instanceof SqliteError ? error.codeName : String(error);
  }
  const stopped = cell.end();
  cell.detach();
  database.close();
  self.postMessage({ outcome, stopped });
};
