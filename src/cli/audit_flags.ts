import { isAbsolute, relative, resolve } from "node:path";
import { FlagError } from "./flag_error.ts";
import type { FlagSpec } from "./flag_spec.ts";
import type { FlagValues } from "./flag_values.ts";

/** What -audit-log is given for the standard error. */
export const auditToStderr = "stderr";

/** The flags of the audit log. */
export const auditFlags = {
  "audit-log": {
    kind: "text",
    group: "Audit",
    default: "",
    value: "FILE|stderr",
    help:
      "Write who did what, or was refused what, as one line of JSON each; opened again on SIGHUP, for logrotate",
  },
  "audit-log-sql": {
    kind: "switch",
    group: "Audit",
    default: "false",
    value: "",
    help: "Write the SQL as well that somebody was refused, or loaded; never values of parameters",
  },
} as const satisfies Record<string, FlagSpec>;

export interface AuditConfiguration {
  /** An absolute path, or `stderr`. */
  readonly target: string;
  readonly wantsSql: boolean;
}

/** The audit log, if one is asked for; throws a FlagError. */
export function auditOf(
  values: FlagValues,
  dataDirectory: string,
): AuditConfiguration | undefined {
  const given = values["audit-log"];
  const wantsSql = values["audit-log-sql"];
  if (given === "") {
    if (wantsSql) throw new FlagError(1, "-audit-log-sql needs -audit-log, where it is written");
    return undefined;
  }
  if (given === auditToStderr) return { target: given, wantsSql };
  const target = resolve(given);
  const within = relative(dataDirectory, target);
  if (/^\.\.(?:[\\/]|$)/.test(within) || isAbsolute(within)) return { target, wantsSql };
  throw new FlagError(
    1,
    `-audit-log ${target} lies in the data directory, and would be lost when a node is emptied: choose another place`,
  );
}
