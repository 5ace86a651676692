import type { ChangePosition } from "../../changes/types.ts";

/** As streams name it: the index, and behind a point the number of a change in the middle of an entry. */
export function positionText({ index, change }: ChangePosition): string {
  return change === 0 ? String(index) : `${index}.${change}`;
}

/** Undefined for what is no position. */
export function readPosition(text: string): ChangePosition | undefined {
  const [, index, change = "0"] = /^([1-9]\d{0,14})(?:\.(\d{1,15}))?$/.exec(text) ?? [];
  return index === undefined ? undefined : { index: Number(index), change: Number(change) };
}
