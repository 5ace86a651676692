import { messageOf } from "../base/message_of.ts";
import { DiskError, type DiskErrorKind } from "./types.ts";

/** Operating system error numbers for a full disk or quota: Linux, macOS, Windows. */
const fullCodes = /\b(ENOSPC|EDQUOT)\b|\(os error (28|122|69|112)\)/;

function kindOf(error: unknown): DiskErrorKind {
  if (error instanceof Deno.errors.NotFound) return "not_found";
  if (error instanceof Deno.errors.PermissionDenied) return "permission";
  if (error instanceof Deno.errors.NotCapable) return "permission";
  if (!(error instanceof Error)) return "failed";
  const code = "code" in error ? String(error.code) : "";
  return fullCodes.test(`${code} ${error.message}`) ? "full" : "failed";
}

/** What helps where a file may not be read or written. */
export const permissionWayOut =
  "make the directory and its files writable for the user that the node runs as";

function diskError(action: string, path: string, error: unknown): DiskError {
  const kind = kindOf(error);
  const text = messageOf(error);
  // Deno says the path behind the reason, and here it stands before it.
  const reason = text.replace(/(\(os error \d+\)): \w+ '[^]*'$/, "$1");
  const wayOut = kind === "permission" ? `: ${permissionWayOut}` : "";
  return new DiskError(kind, path, `Cannot ${action} ${path}: ${reason}${wayOut}`, {
    cause: error,
  });
}

/** Runs `work`; what it throws becomes a DiskError that says which action on which path failed, and why. */
export async function attempt<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof DiskError ? error : diskError(action, path, error);
  }
}
