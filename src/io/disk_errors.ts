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

function diskError(action: string, path: string, error: unknown): DiskError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DiskError(kindOf(error), path, `Cannot ${action} ${path}: ${reason}`, {
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
