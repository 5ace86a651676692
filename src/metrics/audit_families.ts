import { type Family, single } from "./families.ts";

export interface AuditCounts {
  /** Lines. */
  readonly written: number;
  /** Events that are in no line. */
  readonly lost: number;
  readonly canWrite: boolean;
}

/** How the audit log goes. */
export function auditFamilies({ written, lost, canWrite }: AuditCounts): Family[] {
  return [
    {
      name: "raftlite_audit_lines_total",
      help: "Lines of the audit log that were written",
      type: "counter",
      samples: single(written),
    },
    {
      name: "raftlite_audit_events_lost_total",
      help: "Events that are in no line: there was no room, or strangers caused too many",
      type: "counter",
      samples: single(lost),
    },
    {
      name: "raftlite_audit_writable",
      help: "0 while lines of the audit log cannot be written, and wait",
      type: "gauge",
      samples: single(canWrite ? 1 : 0),
    },
  ];
}
