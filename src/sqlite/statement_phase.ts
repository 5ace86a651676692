/** Where the head of a statement stands: whether its semicolons end it, or belong to a trigger's body. */
export type Phase = "start" | "plain" | "explain" | "create" | "trigger" | "semicolon" | "end";

/** Whether a semicolon is one of a trigger's body, behind which the phase is `semicolon`. */
export function isInBody(phase: Phase): boolean {
  return phase === "trigger" || phase === "semicolon";
}

/**
 * Where it stands behind a token, given in capitals if it is a word: by the rules of
 * https://www.sqlite.org/c3ref/complete.html.
 */
export function nextPhase(phase: Phase, word: string): Phase {
  switch (phase) {
    case "start":
    case "explain":
      if (word === "CREATE") return "create";
      return word === "EXPLAIN" || phase === "explain" && /^(QUERY|PLAN)$/.test(word)
        ? "explain"
        : "plain";
    case "create":
      if (word === "TEMP" || word === "TEMPORARY") return "create";
      return word === "TRIGGER" ? "trigger" : "plain";
    case "semicolon":
      return word === "END" ? "end" : "trigger";
    case "end":
      return "trigger";
    default:
      return phase;
  }
}
