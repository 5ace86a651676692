import { messageOf } from "../../base/message_of.ts";
import { Database, type Library } from "../../sqlite/mod.ts";
import { LoadTable } from "../apply/load_table.ts";
import { hasRaftTables } from "../apply/raft_table.ts";
import { WriteConnection } from "../apply/write_connection.ts";
import { StoreFailedError } from "../failures.ts";
import type { AppliedPosition } from "../types.ts";
import { withArrivingSums } from "./arriving_sums.ts";
import { damageOf } from "./file_check.ts";

/**
 * Checks a file that another node has sent, and makes it ready to take the database's place; returns
 * what it holds. Once it is there, whatever is wrong with it stops the node: so it is found now.
 */
export function verifyReceived(library: Library, path: string): AppliedPosition {
  return withArrivingSums(library, path, () => {
    checkContent(library, path);
    const position = rehearse(library, path);
    using database = new Database(path, { library, create: false });
    database.exec("PRAGMA journal_mode = DELETE");
    return position;
  });
}

function checkContent(library: Library, path: string): void {
  using database = new Database(path, { library, create: false });
  database.exec("PRAGMA journal_mode = DELETE");
  const damage = damageOf(database);
  if (damage !== undefined) throw new Error(`The copy is damaged: ${damage}`);
  if (!hasRaftTables(database)) throw new Error("The copy does not say which entries it holds");
}

/** Opens it as the writer will, who must find its own tables as this version has them. */
function rehearse(library: Library, path: string): AppliedPosition {
  let connection: WriteConnection | undefined;
  try {
    connection = new WriteConnection(library, path, false);
    const { database, committed: { index, term } } = connection;
    connection.own(() => new LoadTable(database));
    return { index, term };
  } catch (error) {
    const cause = error instanceof StoreFailedError ? error.cause : error;
    throw new Error(`The copy cannot be used: ${messageOf(cause)}`, { cause: error });
  } finally {
    connection?.close();
  }
}
