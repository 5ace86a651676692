import { rightsOf } from "../access/table_rights.ts";
import type { Identity } from "../access/types.ts";
import { RequestError } from "./request_error.ts";

/**
 * Keeps somebody with rights to some tables from what takes or gives all of them at once. Throws a
 * RequestError (403).
 */
export function requireAllTables(identity: Identity): void {
  if (rightsOf(identity) === undefined) return;
  throw new RequestError(
    403,
    `user ${JSON.stringify(identity.username ?? "")} has rights to some tables, and this is the ` +
      'whole database: it needs "*" in both of the lists of its "tables", or no "tables"',
  );
}
