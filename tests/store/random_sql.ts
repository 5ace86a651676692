import type { Prng } from "../../src/base/prng.ts";

export const oddNames = [
  "users",
  "tags",
  "tasks",
  "zz",
  "a",
  "T",
  "order",
  "select",
  "a b",
  `x"y`,
  "é😀",
  "it's",
  "[b",
  "semi;colon",
  "--dash",
  "/*open",
  "sqliteish",
  "sqlite",
  "line\nbreak",
  "f_content",
  "g_stat",
  "r_node",
  "rowid",
  "oid",
  "_rowid_",
  "a,b",
  "x`y",
  "table",
  " lead",
  "%s",
  "\\n",
  "1",
  "c(d)",
  "f",
  "g",
  "autoincrement",
  "x".repeat(300),
];

const comments = [
  "/* plain */",
  "-- to the end\n",
  "/* ; 'x \" */",
  "-- ; it's\n",
  "/**/",
  "-- /* \n",
  "/* -- */",
  "/* two\nlines */",
  "--\n",
];

const keywords = new Set(["order", "select", "table", "check", "autoincrement"]);

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Names, blanks, comments and values, drawn at random, and the statements made of them. */
export class RandomSql {
  readonly random: Prng;
  readonly statements: string[] = [];
  /** In lower case. */
  readonly names = new Set<string>();
  /** The database is in UTF-16. */
  isWide = false;

  constructor(random: Prng) {
    this.random = random;
  }

  add(sql: string): void {
    this.statements.push(sql);
  }

  pick<Item>(items: readonly Item[]): Item {
    return this.random.pick(items);
  }

  /** Tokens with blanks and comments between them, and sometimes a comment at the end. */
  join(tokens: readonly (string | undefined)[], open = true): string {
    const r = this.random;
    let sql = "";
    for (const token of tokens) {
      if (token === undefined || token === "") continue;
      if (sql !== "") {
        sql += r.chance(0.85) ? this.pick([" ", " ", " ", "\n", "\t"]) : this.comment();
      }
      sql += token;
    }
    if (r.chance(0.2)) sql += ` ${this.comment()}`.trimEnd();
    else if (open && r.chance(0.1)) sql += " /* open; '";
    return sql;
  }

  comment(): string {
    const comment = this.pick(comments);
    return ` ${comment}${this.random.chance(0.3) ? "" : " "}`;
  }

  newName(): string {
    const r = this.random;
    for (;;) {
      const base = this.pick(oddNames);
      const name = r.chance(0.7) ? base : `${base}${r.below(20)}`;
      const key = name.toLowerCase();
      // SQLite keeps the names of shadow tables that there might be.
      if (this.names.has(key)) continue;
      this.names.add(key);
      return name;
    }
  }

  /** In one of the ways in which SQL takes names. */
  name(name: string): string {
    if (/^[a-z]{2,}$/.test(name) && !keywords.has(name) && this.random.chance(0.5)) return name;
    if (!name.includes("]") && this.random.chance(0.1)) return `[${name}]`;
    if (this.random.chance(0.1)) return `\`${name.replaceAll("`", "``")}\``;
    return quotedName(name);
  }

  /** For full-text tables, which take a value's text: that of a real, of a blob in UTF-16, and behind a byte order mark or a NUL, is not the same everywhere. */
  words(): string {
    for (;;) {
      const value = this.value();
      if (value.includes("char(0)")) continue;
      if (/^(?:NULL|'|char\((?!65279)|printf)/.test(value)) return value;
      if (!this.isWide && /^(?:x|CAST|-?\d+$)/.test(value)) return value;
    }
  }

  value(): string {
    const r = this.random;
    switch (r.below(8)) {
      case 0:
        return this.pick([
          "NULL",
          "0",
          "1",
          "-1",
          // With the largest as a row id, its own or the next that SQLite gives, no load is possible.
          "9223372036854770000",
          "-9223372036854775808",
          String(r.uint32()),
        ]);
      case 1:
        return this.real();
      case 2:
        return `x'${hexOf(r.fill(new Uint8Array(r.below(20))))}'`;
      case 3:
        return `CAST(x'${hexOf(r.fill(new Uint8Array(2 * r.below(6))))}' AS TEXT)`;
      case 4:
        return this.pick([
          "''",
          "'it''s'",
          "'a;\n-- b\r\n/* c'",
          "'x' || char(0) || 'y\\r' || char(13)",
          "char(13, 10)",
          "'\\r' || char(13)",
          "char(0)",
          "'é😀' || char(13)",
          "char(65279) || 'bom'",
          "CAST(x'fffefffe' AS TEXT)",
          "'go'",
          "'\n/\n'",
          "'.quit'",
          "'1'",
          "'1.0'",
          "' 5'",
          "char(55357)",
          "'9e999'",
          "'NULL'",
          "printf('%2000s', 'wide')",
        ]);
      case 5:
        return String(r.below(20));
      default:
        return `'${
          this.pick(["one", "two words", "Three", "naïve café", "x'y\"z".replace("'", "''")])
        } ${r.below(50)}'`;
    }
  }

  real(): string {
    const r = this.random;
    if (r.chance(0.2)) {
      return this.pick([
        "-0.0",
        "0.0",
        "9e999",
        "-9e999",
        "5e-324",
        "1.7976931348623157e308",
        "44.357958",
        "2.2250738585072014e-308",
      ]);
    }
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigUint64(0, r.uint64());
    const value = r.chance(0.5) ? bytes.getFloat64(0) : r.below(1e8) / 1e6;
    return Number.isFinite(value) ? value.toExponential() : "1.5";
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
