import { messageOf } from "../base/message_of.ts";
import { permissionWayOut } from "../io/disk_errors.ts";
import { ResultCode, SqliteError } from "../sqlite/mod.ts";
import { ForeignFileError, StoreFailedError, wrongPageWayOut } from "./failures.ts";

/**
 * Why the database at `path` cannot be opened, and what helps: removing it only where its content is
 * at fault, for what SQLite says of permissions or of the disk is mended around it.
 *
 * https://www.sqlite.org/rescode.html
 */
export function openingFailure(path: string, cause: unknown): StoreFailedError {
  return new StoreFailedError(
    `Database ${path} cannot be used: ${messageOf(cause)}${wayOut(path, cause)}`,
    { cause },
  );
}

function wayOut(path: string, cause: unknown): string {
  if (cause instanceof ForeignFileError) {
    return ". Move it away, start the node without it, and send it to POST /db/load: so every node gets it";
  }
  const codeName = cause instanceof SqliteError ? cause.codeName : "";
  if (cause instanceof SqliteError && cause.extendedCode === ResultCode.wrongPage) {
    return ` (${codeName}). ${wrongPageWayOut(path)}`;
  }
  switch (codeName.split("_")[1]) {
    case "PERM":
    case "READONLY":
    case "CANTOPEN":
      return `: ${permissionWayOut}`;
    case "BUSY":
    case "LOCKED":
      return ": end the program that has the file open, and start the node again";
    case "FULL":
      return ": make room on its disk, and start the node again";
    case "IOERR":
      return ` (${codeName}): see what the system's log says of its disk, and start the node again`;
    default:
      return ". Move its data directory away, or remove it, and start the node again: it joins its " +
        "cluster; where no other node has the data, send a backup to POST /db/load";
  }
}
