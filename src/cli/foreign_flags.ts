/** What is known of rqlite's other flags: tuning that changes no answer, passed over with a warning. */
export interface ForeignFlag {
  readonly takesValue: boolean;
  /** Values that ask for nothing: such a flag is accepted. */
  readonly off: readonly string[];
}

const ignoredValue: ForeignFlag = { takesValue: true, off: [""] };
const ignoredSwitch: ForeignFlag = { takesValue: false, off: ["false"] };

/** Flags of rqlite 10 that have no meaning here. */
export const foreignFlags: ReadonlyMap<string, ForeignFlag> = new Map([
  ["compress-snap-transport", ignoredSwitch],
  ["cpu-profile", ignoredValue],
  ["mem-profile", ignoredValue],
  ["raft-commit-timeout", ignoredValue],
  ["raft-election-timeout", ignoredValue],
  ["trace-profile", ignoredValue],
]);
