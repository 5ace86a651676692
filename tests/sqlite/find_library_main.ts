import { findLibrary } from "../../src/sqlite/mod.ts";

/** Prints what is found, and what was logged on the way, as one line of JSON. */
const log: string[] = [];
try {
  const { origin } = await findLibrary({ log: (message) => log.push(message) });
  console.log(JSON.stringify({ origin, log }));
} catch (error) {
  console.log(JSON.stringify({ log: [...log, String(error)] }));
}
