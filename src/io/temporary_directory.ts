/**
 * Has SQLite put its temporary files, which can be as large as the database, into a directory,
 * unless the environment names another: elsewhere there may be less room, and others may look. To be
 * called before SQLite is first used, which then reads it. https://www.sqlite.org/tempfiles.html
 */
export function useTemporaryDirectory(directory: string): void {
  if (!Deno.env.has(variable)) Deno.env.set(variable, directory);
}

const variable = "SQLITE_TMPDIR";
