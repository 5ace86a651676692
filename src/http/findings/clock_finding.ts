import type { ClockOffset } from "../../base/clock_offset.ts";
import { type Finding, findingsAbout, msText } from "./finding.ts";

/** SQL's time is the leader's: it jumps by this much at most when another one takes over. */
const clockWarningMs = 500;
const clockProblemMs = 10_000;

interface ComparedClock {
  readonly subject: string;
  readonly clock: ClockOffset;
  /** What it was compared with: "this machine's". */
  readonly whose: string;
}

/** What a clock beside another means, beyond what the network may hide. */
export function clockFinding({ subject, clock, whose }: ComparedClock): Finding {
  const about = findingsAbout(subject);
  const { aheadMs, errorMs } = clock;
  const off = Math.max(0, Math.abs(aheadMs) - errorMs);
  const text = off === 0
    ? `its clock is ${whose}, within ${msText(errorMs)}`
    : `its clock is ${msText(Math.abs(aheadMs))} ${
      aheadMs > 0 ? "ahead of" : "behind"
    } ${whose}, ` +
      `give or take ${msText(errorMs)}`;
  if (off < clockWarningMs) return about.ok(text);
  const advice =
    "Keep clocks by NTP (chronyd, systemd-timesyncd): SQL's time is the leader's, and " +
    "certificates and tokens end by it";
  return off < clockProblemMs ? about.warning(text, advice) : about.problem(text, advice);
}
