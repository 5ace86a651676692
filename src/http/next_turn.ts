import { setImmediate } from "node:timers";
import type { NextTurn } from "../base/slices.ts";

/** Lets the event loop have its turn. */
export const nextTurn: NextTurn = () => new Promise((resolve) => void setImmediate(resolve));
