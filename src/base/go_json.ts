const escapes: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** Writes a value as Go's json.Marshal does: JSON.stringify with five more characters escaped. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

/** The same with the keys of all objects sorted, as Go does for maps. */
export function sortedGoJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedGoJson).join(",")}]`;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return goJson(value ?? null);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${goJson(key)}:${sortedGoJson(member)}`).join(",")}}`;
}
