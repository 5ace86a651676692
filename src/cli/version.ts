import { findLibrary, openLibrary } from "../sqlite/mod.ts";
import project from "../../deno.json" with { type: "json" };

/** raftlite's own version. */
export const version: string = project.version;

/** The rqlite whose API this is: clients read it in headers and in /status. */
export const rqliteVersion = "v10.3.0";

/** What -version prints. Looks for SQLite, but builds none. */
export async function versionText(): Promise<string> {
  const { os, arch } = Deno.build;
  return `raftlite ${version} ${os} ${arch} sqlite ${await sqliteVersion()} deno ${Deno.version.deno}\n`;
}

async function sqliteVersion(): Promise<string> {
  try {
    return openLibrary(await findLibrary({ build: false })).version;
  } catch {
    return "not found";
  }
}
