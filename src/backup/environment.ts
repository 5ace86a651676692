/** Reads a variable of the environment; undefined when it is not set. */
export type Environment = (name: string) => string | undefined;

/** Characters that are a name by themselves, as in a shell. */
const oneLetterName = /^[*#$@!?\-0-9]$/;

/**
 * Replaces `$NAME` and `${NAME}` as rqlite does, which is as Go's os.Expand: what is not set is
 * empty, `$$` and `$5` are names that nobody sets, a `$` before anything else stays as it is, and of
 * braces that do not close only the beginning is lost.
 */
export function expandVariables(text: string, environment: Environment): string {
  let out = "";
  for (let at = 0; at < text.length;) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0 || dollar === text.length - 1) return out + text.slice(at);
    out += text.slice(at, dollar);
    const { name, length } = nameBehind(text.slice(dollar + 1));
    if (name !== "") out += environment(name) ?? "";
    else if (length === 0) out += "$";
    at = dollar + 1 + length;
  }
  return out;
}

/** The name that a text begins with, "" for none, and how much of the text is used up by it. */
function nameBehind(text: string): { readonly name: string; readonly length: number } {
  const first = text.charAt(0);
  if (first !== "{") {
    if (oneLetterName.test(first)) return { name: first, length: 1 };
    const name = /^\w*/.exec(text)?.[0] ?? "";
    return { name, length: name.length };
  }
  if (text.length > 2 && oneLetterName.test(text.charAt(1)) && text.charAt(2) === "}") {
    return { name: text.charAt(1), length: 3 };
  }
  const end = text.indexOf("}");
  if (end < 0) return { name: "", length: 1 };
  return { name: text.slice(1, end), length: end + 1 };
}
