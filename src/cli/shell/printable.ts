/**
 * Text with the characters that command a terminal written as `^[`, as the sqlite3 shell does: data
 * must not move the cursor. Lines' ends stay; a tab becomes spaces, as its width is unknown.
 */
export function printable(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").replace(
    /(?!\n)\p{Cc}/gu,
    (character) => {
      const code = character.charCodeAt(0);
      return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `\\u00${code.toString(16)}`;
    },
  );
}
