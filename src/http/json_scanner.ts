/** Where the blanks of JSON that begin at `start` end. */
export function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
  return at;
}

/** Where the array, object or string that begins at `start` ends, or the end of the text. */
export function endOfValue(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth === 0 && !inString) return at + 1;
  }
  return text.length;
}

/**
 * The value that a text begins with, as Go's json.Decoder reads it: what stands behind an object or
 * an array does not matter. Throws a SyntaxError.
 */
export function parseFirstValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const start = skipSpace(text, 0);
    const end = endOfValue(text, start);
    if (end === text.length) throw error;
    return JSON.parse(text.slice(start, end));
  }
}
