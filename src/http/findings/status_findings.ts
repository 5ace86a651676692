import { expiryWarningFrom } from "../../tls/expiry.ts";
import { type Finding, findingsAbout, msText } from "./finding.ts";
import { freeSpaceFinding, gradeSync, kindFinding, openFilesFinding } from "./machine_findings.ts";
import type { StatusTree } from "./status_tree.ts";

/** Turns of the event loop beyond this, in ms, make others wait, and cost the lead at last. */
const turnWarningMs = 500;

/** What goes on failing beside the node's work, by its place in /status. */
const failures: readonly (readonly [path: string, name: string])[] = [
  ["audit.error", "the audit log cannot be written"],
  ["auto_backups.failing.error", "backups fail"],
  ["auto_backups.retention_error", "old backups cannot be removed"],
  ["auto_backups.verification.error", "the last backup that was verified is no good"],
  ["archive.failing.error", "the archive cannot be written"],
  ["archive.retention_error", "what the archive need not keep cannot be removed"],
  ["standby.failing.error", "the archive cannot be followed"],
  ["cdc.failing.error", "changes are not delivered"],
  ["otlp_metrics.error", "metrics cannot be pushed"],
  ["http.tls.reload_error", "new certificates cannot be taken"],
];

/** What a node says of itself. */
export interface OwnWords {
  readonly subject: string;
  readonly status: StatusTree;
  /** What syncs of its log took, in ms; undefined where too few were counted. */
  readonly syncs?: { readonly p99Ms: number; readonly when: string } | undefined;
}

/** What is to be said of a node that takes part, from its own words alone. */
export function statusFindings(words: OwnWords): Finding[] {
  return [
    turnFinding(words),
    ...diskFindings(words),
    ...certificateFindings(words),
    ...failureFindings(words),
  ].filter((finding) => finding !== undefined);
}

/** Whether it takes part. */
export function healthFinding({ subject, status }: OwnWords): Finding {
  const about = findingsAbout(subject);
  const health = status.text("store.health");
  const isReady = status.at("store.ready") === true;
  if (health === "ok" && isReady) return about.ok("is ready");
  return about.problem(`is not ready: ${health}`, "Its log says why, and /readyz");
}

function turnFinding({ subject, status }: OwnWords): Finding | undefined {
  const ms = status.number("runtime.event_loop.longest_turn_last_minute_ms");
  if (ms === undefined) return undefined;
  const about = findingsAbout(subject);
  const text = `its main thread was busy for ${msText(ms)} at most within the last minute`;
  return ms < turnWarningMs ? about.ok(text) : about.warning(
    text,
    "The machine has too little processor time for it: /debug/pprof/profile says where it goes",
  );
}

function diskFindings({ subject, status, syncs }: OwnWords): Finding[] {
  const freeBytes = status.number("store.file_system.free_bytes");
  const totalBytes = status.number("store.file_system.total_bytes");
  const databaseBytes = status.number("store.sqlite3.db_size") ?? 0;
  const filesMax = status.number("os.open_files_max");
  return [
    kindFinding(subject, status.text("store.file_system.kind")),
    freeBytes === undefined || totalBytes === undefined
      ? undefined
      : freeSpaceFinding(subject, { freeBytes, totalBytes, databaseBytes }),
    syncs && gradeSync(
      subject,
      syncs.p99Ms,
      `99 of 100 syncs of its log took ${msText(syncs.p99Ms)} at most ${syncs.when}`,
    ),
    filesMax === undefined ? undefined : openFilesFinding(subject, filesMax),
  ].filter((finding) => finding !== undefined);
}

function certificateFindings({ subject, status }: OwnWords): Finding[] {
  const about = findingsAbout(subject);
  return [["HTTPS", "http.tls.certificate"], ["TLS between nodes", "mux.certificate"]]
    .flatMap(([name, path]) => {
      const end = status.text(`${path}.ends`);
      if (end === undefined) return [];
      const now = Date.now();
      const notAfter = Date.parse(end);
      // One of a release that does not say when it began is taken for a long one.
      const notBefore = Date.parse(status.text(`${path}.begins`) ?? "1970-01-01");
      const text = `its certificate for ${name} ends ${end}`;
      const advice = "Put a new one in the place of the file: it is taken without a restart";
      if (now < expiryWarningFrom({ notBefore, notAfter })) return [about.ok(text)];
      return [now < notAfter ? about.warning(text, advice) : about.problem(text, advice)];
    });
}

function failureFindings({ subject, status }: OwnWords): Finding[] {
  const about = findingsAbout(subject);
  return failures.flatMap(([path, name]) => {
    const error = status.text(path);
    return error === undefined ? [] : [about.problem(`${name}: ${error}`, "Mend what it names")];
  });
}
