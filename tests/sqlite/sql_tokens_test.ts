import assert from "node:assert/strict";
import { Database, openLibrary, skipEmptyStatements, SqlTokens } from "../../src/sqlite/mod.ts";
import { library } from "./fixture.ts";

const encoder = new TextEncoder();

function tokensOf(sql: string): string[] {
  const tokens = SqlTokens.of(sql);
  const all: string[] = [];
  while (tokens.next()) all.push(`${tokens.kind} ${tokens.text}`);
  return all;
}

Deno.test("SqlTokens reads what SQLite's tokenizer does", () => {
  const cases: [sql: string, tokens: string[]][] = [
    ["-- a\r;'\n;", ["blank -- a\r;'", "blank \n", "semicolon ;"]],
    ["/*/ ;*/;/**/", ["blank /*/ ;*/", "semicolon ;", "blank /**/"]],
    ["/* ;", ["blank /* ;"]],
    ["a/*", ["word a", "other /", "other *"]],
    ["'a'';'", ["string 'a'';'"]],
    [`"a"";"[;]\`;\``, [`name "a"";"`, "name [;]", "name `;`"]],
    ["'a;", ["other 'a;"]],
    ["x'00'';'", ["other x'00'", "string ';'"]],
    ["$a::b(c;d) :e ?1", ["other $a::b(c;d)", "blank  ", "other :e", "blank  ", "other ?1"]],
    ["?1natural ?12?", ["other ?1", "word natural", "blank  ", "other ?12", "other ?"]],
    ["1.5e3a$ _b\u00e9", ["other 1.5e3a$", "blank  ", "word _bé"]],
    [" \v\v", ["blank  \v\v"]],
    ["\ufeff;", ["blank \ufeff", "semicolon ;"]],
    ["-1/2", ["other -", "other 1", "other /", "other 2"]],
  ];
  for (const [sql, expected] of cases) assert.deepEqual(tokensOf(sql), expected, sql);
});

Deno.test("SqlTokens ends statements where SQLite does, whatever stands in them", () => {
  using database = new Database(":memory:", { library: openLibrary(library) });
  const parts = [
    "--\n",
    "/*",
    "*/",
    "'",
    '"',
    "`",
    "[",
    "]",
    ";",
    " ",
    "x'",
    "a",
    "1",
    ".",
    "$",
    "(",
    ")",
    "::",
    "-",
    "/",
    "\n",
    "\r",
    "\v",
    "é",
    "\ufeff",
    "?",
    "@b",
  ];
  let seed = 1;
  const draw = (count: number) => {
    seed = (seed * 48271) % 0x7fff_ffff;
    return seed % count;
  };
  for (let round = 0; round < 20_000; round++) {
    let rest = "";
    for (let i = draw(7); i >= 0; i--) rest += parts[draw(parts.length)];
    const bytes = encoder.encode(rest);
    const isEmpty = skipEmptyStatements(bytes, 0, bytes.length) === bytes.length;
    let found: boolean;
    try {
      found = database.prepare(`${rest}`).finalize() !== undefined;
    } catch (error) {
      found = !/no statement/.test(String(error));
    }
    assert.equal(isEmpty, !found, `round ${round}: ${JSON.stringify(rest)}`);
  }
});

Deno.test("SqlTokens reads each byte once", () => {
  const parts = ["/*c*/", "--\n", "'a''b'", '"', ";", "/*", "[", "x'0", "$a("];
  for (const part of parts) {
    const length = (count: number) => {
      const bytes = encoder.encode(part.repeat(count));
      let reads = 0;
      const counted = new Proxy(bytes, {
        get(target, key) {
          if (typeof key === "string" && /^\d+$/.test(key)) reads++;
          if (key === "indexOf") {
            return (byte: number, from: number) => {
              const at = target.indexOf(byte, from);
              reads += (at < 0 ? target.length : at) - from;
              return at;
            };
          }
          return Reflect.get(target, key, target);
        },
      });
      const tokens = new SqlTokens(counted);
      while (tokens.next());
      return reads;
    };
    assert.ok(length(2000) <= 2.1 * length(1000), part);
  }
});
