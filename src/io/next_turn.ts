import type { NextTurn } from "../base/slices.ts";
import type { Clock } from "./types.ts";

/** Lets the event loop of `clock` have its turn. */
export function nextTurnOf(clock: Clock): NextTurn {
  return () => new Promise((resolve) => void clock.after(0, resolve));
}
