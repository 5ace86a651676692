import { Database } from "../../src/sqlite/mod.ts";
import { describe } from "../store/database_description.ts";
import { library } from "../store/fixture.ts";

/** All that a copy made of a change log has in common with its database: not what SQLite keeps for itself. */
export function contents(path: string): string[] {
  using database = new Database(path, { library });
  return describe(database, { textBytes: true }).filter((line) =>
    !/^(rows of|table) sqlite_|^user_version/.test(line)
  );
}
