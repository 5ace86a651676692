import { type Admission, admissionBy, joinCredentials } from "../access/admission.ts";
import { CallerTeller } from "../access/caller_teller.ts";
import { Gate } from "../access/gate.ts";
import { HashChecker } from "../access/hash_checker.ts";
import type { Users } from "../access/users.ts";
import { parseUsersFile, UsersFileError } from "../access/users_file.ts";
import { WatchedFiles } from "../io/watched_files.ts";
import type { Configuration } from "./flags.ts";
import type { WatchParts } from "./watched_list.ts";

export interface OpenUsers {
  readonly gate: Gate;
  readonly admission: Admission;
  readonly callers: CallerTeller;
  readonly end: () => void;
}

/** Opens the file of -auth; undefined when there is none. Throws an error that names what is wrong. */
export async function openUsers(
  { usersPath: path, joinAs }: Configuration["http"],
  { watched, clock, logger }: WatchParts,
): Promise<OpenUsers | undefined> {
  if (path === "") return undefined;
  const files = watched.add(
    await WatchedFiles.open<Users>({
      what: "The file of users",
      paths: [path],
      clock,
      logger,
      read: ([contents]) => {
        const { users, warnings } = parseUsersFile(textOf(contents));
        for (const warning of warnings) logger.log("WARN", "cli", warning);
        return users;
      },
    }),
  );
  const hashes = new HashChecker();
  const gate = new Gate({ users: () => files.current, hashes, clock });
  const callers = new CallerTeller(gate);
  files.onChange(() => callers.usersChanged());
  const own = joinAs === "" ? undefined : joinCredentials(files.current, joinAs);
  return {
    gate,
    admission: admissionBy(gate, own),
    callers,
    end: () => hashes.end(),
  };
}

function textOf(contents: Uint8Array | undefined): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(contents);
  } catch {
    throw new UsersFileError("The file of users is no text in UTF-8");
  }
}
