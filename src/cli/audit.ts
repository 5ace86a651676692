import { AuditLog, type AuditSink } from "../audit/audit_log.ts";
import type { AuditFigures } from "../http/types.ts";
import { AppendedFile } from "../io/appended_file.ts";
import type { StderrLogger } from "../io/stderr_logger.ts";
import type { Clock } from "../io/types.ts";
import { auditToStderr } from "./audit_flags.ts";
import type { Configuration } from "./flags.ts";

export interface OpenAudit {
  readonly log: AuditLog;
  readonly figures: () => AuditFigures;
}

/** The audit log that -audit-log asks for; undefined when it asks for none. */
export function openAudit(
  { audit, nodeId }: Configuration,
  { clock, logger }: { readonly clock: Clock; readonly logger: StderrLogger },
): OpenAudit | undefined {
  if (audit === undefined) return undefined;
  const { target, wantsSql } = audit;
  const sink = target === auditToStderr ? linesOf(logger) : new AppendedFile(target);
  const log = new AuditLog({ sink, clock, logger, node: nodeId, wantsSql });
  return { log, figures: () => ({ target, ...log.figures }) };
}

/** Through the logger, so that no line gets into the middle of another. */
function linesOf(logger: StderrLogger): AuditSink {
  return { write: (bytes) => logger.write(bytes), reopen: () => {}, close: () => {} };
}
