/** What is known of rqlite's other flags, so that none is passed over in silence. */
export interface ForeignFlag {
  readonly takesValue: boolean;
  /** Values that ask for nothing: such a flag is accepted. */
  readonly off: readonly string[];
  /** "ignored": tuning that changes no answer, passed over with a warning. "refused": somebody relies on it. */
  readonly treatment: "ignored" | "refused";
}

const ignoredValue: ForeignFlag = { takesValue: true, off: [""], treatment: "ignored" };
const ignoredSwitch: ForeignFlag = { takesValue: false, off: ["false"], treatment: "ignored" };

/** Flags of rqlite 10 that have no meaning here, or none yet. */
export const foreignFlags: ReadonlyMap<string, ForeignFlag> = new Map([
  ["compress-snap-transport", ignoredSwitch],
  ["cpu-profile", ignoredValue],
  ["mem-profile", ignoredValue],
  ["raft-commit-timeout", ignoredValue],
  ["raft-election-timeout", ignoredValue],
  ["trace-profile", ignoredValue],
]);
