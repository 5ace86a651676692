import type { Client } from "@raftlite/client";
import { createHash } from "node:crypto";
import { ImportError } from "./types.ts";

// An import is gone on with by the keys of its writes, also by a later build of this program. So what
// is hashed here, and what a batch's results say, stays as it is; what is in a batch need not.

/** By what builds before this one named an import, which counted their batches instead of rows. */
const olderForms = ["1", "2"] as const;

function hashed(form: string, identity: string, table: string): string {
  const hash = createHash("sha256").update(`${form}\0${identity}\0${table.toLowerCase()}`);
  return `raftlite-import-${hash.digest("hex")}`;
}

/** `identity`: of the file, and of all that says how its rows are read. */
export function nameOfImport(identity: string, table: string): string {
  return hashed("rows", identity, table);
}

/** Throws an ImportError where an older build has begun it: how far that came is not to be made out. */
export async function refuseOlder({ db, identity, plan: { table } }: {
  readonly db: Pick<Client, "outcome">;
  readonly identity: string;
  readonly plan: { readonly table: string };
}): Promise<void> {
  for (const form of olderForms) {
    if (await db.outcome(`${hashed(form, identity, table)}-0`) === undefined) continue;
    throw new ImportError(
      `An older raftlite has added rows of this file to ${table} already, and does not say how many: ` +
        "count them, and go on behind them by -skip N; -again adds all of them once more",
    );
  }
}
