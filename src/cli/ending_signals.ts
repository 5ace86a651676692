/** What asks a command for its end, on every system: for one that must not leave behind what it made. */
export const endingSignals = Deno.build.os === "windows"
  ? ["SIGINT"] as const
  : ["SIGINT", "SIGTERM"] as const;
