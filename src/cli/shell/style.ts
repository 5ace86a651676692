/** How text may be set off; every function gives it back plain where the terminal has no colours. */
export interface Style {
  heading(text: string): string;
  faint(text: string): string;
  error(text: string): string;
}

/** ECMA-48 Select Graphic Rendition, chapter 8.3.117. */
const sgr = (code: number, off: number) => (text: string) => `\x1b[${code}m${text}\x1b[${off}m`;
const plain = (text: string) => text;

export const plainStyle: Style = { heading: plain, faint: plain, error: plain };

const colourful: Style = { heading: sgr(36, 39), faint: sgr(2, 22), error: sgr(31, 39) };

/** The style for a stream: colours on a terminal that has them, unless NO_COLOR is set. */
export function styleFor(stream: { isTerminal(): boolean }): Style {
  const hasColours = stream.isTerminal() && !Deno.noColor && Deno.env.get("TERM") !== "dumb";
  return hasColours ? colourful : plainStyle;
}
