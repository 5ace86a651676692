import type { MemberFault } from "../../cluster/types.ts";

/** Worst last: what is right, what should be changed, what puts data or the service at risk. */
export const grades = ["ok", "warning", "problem"] as const;

export type Grade = typeof grades[number];

/** One thing that was looked at. */
export interface Finding {
  readonly grade: Grade;
  /** The directory or node that it is about; "" for the cluster. */
  readonly subject: string;
  /** What is the case, with figures. */
  readonly text: string;
  /** What to do about it; missing where all is well. */
  readonly advice?: string;
}

/** Makes findings about one subject. */
export function findingsAbout(subject: string) {
  return {
    ok: (text: string): Finding => ({ grade: "ok", subject, text }),
    warning: (text: string, advice: string): Finding => ({
      grade: "warning",
      subject,
      text,
      advice,
    }),
    problem: (text: string, advice: string): Finding => ({
      grade: "problem",
      subject,
      text,
      advice,
    }),
  };
}

/** Those that are not all right, as nodes tell each other of them. */
export function faultsAmong(findings: readonly Finding[]): MemberFault[] {
  return findings.flatMap(({ grade, text, advice = "" }) =>
    grade === "ok" ? [] : [{ grade, text, advice }]
  );
}

/** Milliseconds with what figures they need. */
export function msText(ms: number): string {
  return `${Number(ms.toPrecision(2))} ms`;
}
