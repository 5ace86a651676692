import { encodeCString } from "./memory.ts";

const code = {
  tab: 0x09,
  newline: 0x0a,
  verticalTab: 0x0b,
  return: 0x0d,
  doubleQuote: 0x22,
  dollar: 0x24,
  quote: 0x27,
  open: 0x28,
  close: 0x29,
  question: 0x3f,
  star: 0x2a,
  minus: 0x2d,
  point: 0x2e,
  slash: 0x2f,
  colon: 0x3a,
  semicolon: 0x3b,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  backtick: 0x60,
} as const;

/**
 * What a token is: `blank` is white space or a comment, `word` a keyword or a name without quotes,
 * `name` one in `"…"`, `` `…` `` or `[…]`, and `other` an operator, a number, a blob, a parameter, or
 * what is no token at all, such as a quote that nothing closes.
 */
export type TokenKind = "blank" | "word" | "name" | "string" | "semicolon" | "other";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads SQL, in UTF-8, token by token as SQLite's own tokenizer does, each byte once. Operators of
 * several characters come one by one.
 * https://www.sqlite.org/lang_comment.html, https://www.sqlite.org/lang_keywords.html
 */
export class SqlTokens {
  readonly #bytes: Uint8Array;
  readonly #length: number;
  /** The whole text, where each byte is a character of it. */
  #ascii: string | undefined;
  /** Of the token last read. */
  kind: TokenKind = "blank";
  start: number;
  end: number;

  /** From byte `start` to byte `end`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#length = end;
    this.start = this.end = start;
  }

  static of(sql: string): SqlTokens {
    const bytes = encoder.encode(sql);
    const tokens = new SqlTokens(bytes);
    if (bytes.length === sql.length) tokens.#ascii = sql;
    return tokens;
  }

  /** Reads the next token; false at the end. */
  next(): boolean {
    this.start = this.end;
    if (this.start >= this.#length) return false;
    this.end = this.#read(this.start);
    return true;
  }

  /** Reads the next token that is not blank; false at the end. */
  nextMeaning(): boolean {
    while (this.next()) if (this.kind !== "blank") return true;
    return false;
  }

  /** Reads the next token that is not blank; whether it is this keyword, given in capitals. */
  nextIs(keyword: string): boolean {
    return this.nextMeaning() && this.keyword === keyword;
  }

  /** The token, as it is written. */
  get text(): string {
    return this.textBetween(this.start, this.end);
  }

  /** What stands from byte `start` to byte `end`. */
  textBetween(start: number, end: number): string {
    if (this.#ascii !== undefined) return this.#ascii.slice(start, end);
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  /** The token's first byte. */
  get firstByte(): number {
    return this.#at(this.start);
  }

  /** The token, and all that is behind it. */
  get rest(): string {
    return decoder.decode(this.#bytes.subarray(this.start, this.#length));
  }

  /** The keyword, in capitals; "" for what is none. */
  get keyword(): string {
    return this.kind === "word" ? this.text.toUpperCase() : "";
  }

  /** What the token names, without its quotes; SQLite takes a string for a name too. "" for none. */
  get name(): string {
    const { kind, text } = this;
    if (kind === "word") return text;
    if (kind !== "name" && kind !== "string") return "";
    const quote = text.charAt(0);
    const inside = text.slice(1, -1);
    return quote === "[" ? inside : inside.replaceAll(quote + quote, quote);
  }

  #at(index: number): number {
    return index < this.#length ? this.#bytes[index] ?? 0 : 0;
  }

  /** Sets the kind of the token at `start`; returns its end. */
  #read(start: number): number {
    const first = this.#at(start);
    switch (first) {
      case code.semicolon:
        this.kind = "semicolon";
        return start + 1;
      case code.quote:
        return this.#quoted(start, "string");
      case code.doubleQuote:
      case code.backtick:
        return this.#quoted(start, "name");
      case code.openBracket:
        return this.#bracketed(start);
      case code.minus:
        if (this.#at(start + 1) === code.minus) return this.#blankUntil(code.newline, start + 2);
        break;
      case code.slash:
        if (this.#at(start + 1) === code.star && start + 2 < this.#length) {
          return this.#comment(start + 2);
        }
        break;
    }
    // A vertical tab is white space behind other white space only.
    if (isSpace(first) && first !== code.verticalTab) return this.#space(start + 1);
    if (isNameByte(first) && first !== code.dollar) return this.#nameOrNumber(start, first);
    this.kind = "other";
    if (first === code.question) return this.#digits(start + 1);
    return isParameterStart(first) ? this.#parameter(start + 1) : start + 1;
  }

  /** Of `?1`, behind which a word may begin at once. */
  #digits(from: number): number {
    let at = from;
    while (isDigit(this.#at(at))) at++;
    return at;
  }

  #space(from: number): number {
    this.kind = "blank";
    let at = from;
    while (isSpace(this.#at(at))) at++;
    return at;
  }

  #blankUntil(byte: number, from: number): number {
    this.kind = "blank";
    return this.#find(byte, from);
  }

  /** Of a comment in slashes, from behind its opening; one that nothing closes reaches to the end. */
  #comment(from: number): number {
    this.kind = "blank";
    for (let at = from;;) {
      const star = this.#find(code.star, at);
      if (star >= this.#length) return this.#length;
      if (this.#at(star + 1) === code.slash) return star + 2;
      at = star + 1;
    }
  }

  #quoted(start: number, kind: TokenKind): number {
    const quote = this.#at(start);
    this.kind = kind;
    for (let at = start + 1;;) {
      const end = this.#find(quote, at);
      if (end >= this.#length) return this.#unclosed();
      if (this.#at(end + 1) !== quote) return end + 1;
      at = end + 2;
    }
  }

  #bracketed(start: number): number {
    this.kind = "name";
    const end = this.#find(code.closeBracket, start + 1);
    return end >= this.#length ? this.#unclosed() : end + 1;
  }

  #unclosed(): number {
    this.kind = "other";
    return this.#length;
  }

  #nameOrNumber(start: number, first: number): number {
    // SQLite takes a byte order mark for white space.
    if (first === 0xef && this.#at(start + 1) === 0xbb && this.#at(start + 2) === 0xbf) {
      this.kind = "blank";
      return start + 3;
    }
    if ((first | 0x20) === 0x78 && this.#at(start + 1) === code.quote) {
      this.kind = "other";
      return Math.min(this.#find(code.quote, start + 2) + 1, this.#length);
    }
    const isNumber = isDigit(first);
    this.kind = isNumber ? "other" : "word";
    let at = start + 1;
    while (isNameByte(this.#at(at)) || (isNumber && this.#at(at) === code.point)) at++;
    return at;
  }

  /** `$name`, and its like; Tcl's may have `::` and end with something in parentheses. */
  #parameter(from: number): number {
    let at = from;
    for (;;) {
      const byte = this.#at(at);
      if (isNameByte(byte)) at++;
      else if (byte === code.colon && this.#at(at + 1) === code.colon) at += 2;
      else break;
    }
    if (this.#at(at) !== code.open || at === from) return at;
    let end = at + 1;
    while (end < this.#length && this.#at(end) !== code.close && !isSpace(this.#at(end))) end++;
    return this.#at(end) === code.close ? end + 1 : end;
  }

  /** Where `byte` is next, or the end. */
  #find(byte: number, from: number): number {
    const at = this.#bytes.indexOf(byte, from);
    return at < 0 || at > this.#length ? this.#length : at;
  }
}

/** Where the first statement behind `start` begins: behind blanks, comments and semicolons. */
export function skipEmptyStatements(bytes: Uint8Array, start: number, end: number): number {
  const tokens = new SqlTokens(bytes, start, end);
  while (tokens.next()) {
    if (tokens.kind !== "blank" && tokens.kind !== "semicolon") return tokens.start;
  }
  return end;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= code.tab && byte <= code.return);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Letters, digits, `_`, `$`, and all beyond ASCII. */
function isNameByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || isDigit(byte) || byte === 0x5f || byte === 0x24 ||
    byte >= 0x80;
}

function isParameterStart(byte: number): boolean {
  return byte === code.dollar || byte === code.colon || byte === 0x40 || byte === 0x23;
}

/**
 * SQL text that may hold several statements, in UTF-8, and how far it has been read:
 * `Database.prepareNext` moves on by one statement.
 *
 * SQLite ends SQL at its first NUL; here a NUL in SQL is a RangeError, so that nothing behind one
 * is silently left out.
 */
export class SqlSource {
  /** The text in UTF-8, ended by a NUL. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Byte offset of what has not been read. */
  offset = 0;
  #address: bigint | undefined;

  constructor(sql: string) {
    this.bytes = encodeCString(sql);
  }

  /** Length of the text in bytes. */
  get length(): number {
    return this.bytes.length - 1;
  }

  /** Where the text is in memory. */
  get address(): bigint {
    this.#address ??= Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.bytes));
    return this.#address;
  }

  /** The SQL from byte `start` to byte `end`; without them, what has not been read. */
  text(start: number = this.offset, end: number = this.length): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes.subarray(start, end));
  }
}
