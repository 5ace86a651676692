import type { NextTurn } from "../base/slices.ts";
import { inNextTurn } from "../io/loop_turn.ts";

/** Lets the event loop have its turn. */
export const nextTurn: NextTurn = () => new Promise((resolve) => void inNextTurn(resolve));
