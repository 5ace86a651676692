import { Prng } from "../base/prng.ts";

/** What is asked of SQLite to see how it answers; its parts are named to whoever reads a difference. */
export interface ProbeGroup {
  readonly name: string;
  /**
   * Run in turn over the tables of `probeTables`. All rows count, and of an error its code.
   */
  readonly statements: readonly string[];
  /** To be asked of a connection whose mathematical functions are the library's own. */
  readonly onLibrary?: boolean;
}

/** One of the tables that the statements below read, with its rows of one column. */
export interface ProbeTable {
  readonly name: string;
  readonly type: string;
  readonly rows: readonly (number | string)[];
}

/** The same rows on every node. */
export function probeTables(): ProbeTable[] {
  const prng = new Prng(0x5eed_9a0b_e5n);
  const reals = numbers(prng);
  return [
    { name: "number", type: "REAL", rows: reals },
    { name: "few", type: "REAL", rows: reals.filter((_, i) => i % 7 === 0) },
    { name: "word", type: "TEXT", rows: words },
    { name: "digits", type: "TEXT", rows: [...numerals, ...decimals(prng, 150)] },
  ];
}

function digits(prng: Prng, count: number): string {
  return Array.from({ length: count }, () => prng.below(10)).join("");
}

/** Decimals with up to 24 digits, over all of a double's range: many lie next to a rounding edge. */
function decimals(prng: Prng, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const text = `${digits(prng, 1 + prng.below(4))}.${digits(prng, 1 + prng.below(20))}`;
    return i % 3 === 0 ? text : `${text}e${prng.below(617) - 308}`;
  });
}

/** First the one of which SQLite 3.40 and 3.53 make two doubles; limits, and what is only partly a number. */
const numerals = [
  ...["40.998583", "9007199254740993", "9223372036854775807", "9223372036854775808", "0x10"],
  ...["1e308", "1.8e308", "-1e999", "4.9e-324", "2.4e-324", "1e-400", " 12 ", "12abc", "1e", "+5"],
  ...["-0.0", ".5", "5.", "1_000", "", "\t7", "99999999999999999999", "-9223372036854775809"],
];

const words = [
  ...["apple", "Apple", "APPLE", "apple ", "äpfel", "Äpfel", "zebra", "Ωmega", "ωMEGA", "straße"],
  ...[
    "STRASSE",
    "İstanbul",
    "naïve café",
    "日本語",
    "😀",
    "a%b_c",
    "10",
    "9",
    "",
    "İI",
    "ﬁ",
    "\u0301e",
  ],
];

/** Numbers near 0, 1 and whole multiples of others, halves, large, small, integers. */
function numbers(prng: Prng): number[] {
  const list = [0, 1, -1, 0.5, 2.5, 1e15, 1e16, 123456789012345680, 5e-324, Number.MAX_VALUE];
  for (let i = 0; i < 16; i++) {
    const random = prng.below(2 ** 30) / 2 ** 30;
    // Not by a power of 10, which V8 takes from the C library.
    const wide = Number(`${random - 0.5}e${prng.below(40) - 20}`);
    list.push(random, random * 10 - 5, random * 1e6, wide);
  }
  return list;
}

/**
 * Of all collections of up to 3,500 documents, the ones for which bm25() takes a logarithm that lies
 * closest to the middle between two doubles, as (documents, those with the word): there the C
 * libraries part. glibc with and without a processor's FMA do so for three of the first twenty, and
 * for 1 in 10,000 of any numbers.
 */
const closeCalls =
  "(1304, 231), (3452, 402), (2856, 193), (3159, 1138), (2795, 1382), (2806, 260), " +
  "(1154, 365), (3464, 1096), (2775, 747), (2838, 647), (2509, 720), (1611, 608), " +
  "(1986, 505), (2928, 1343), (2143, 400), (1195, 325), (3215, 911), (1605, 64), " +
  "(1676, 587), (2690, 905), (3274, 1629), (443, 180), (1331, 541), (2219, 902), " +
  "(3107, 1263), (1866, 624), (2466, 914), (3433, 328), (2481, 425), (1242, 384), " +
  "(3093, 537), (2872, 1336), (3217, 611), (2933, 455), (2293, 689), (3179, 1035), " +
  "(2338, 164), (3073, 486), (2850, 586), (1985, 791), (2494, 583), (573, 2), " +
  "(1721, 7), (2869, 12), (3294, 1541), (3364, 883), (2215, 222), (3390, 945)";

const libraryLogarithms = `WITH c(n, k) AS (VALUES ${closeCalls}) ` +
  "SELECT ln((n - k + 0.5) / (k + 0.5)) FROM c";

const documents = "INSERT INTO f(rowid, x) SELECT word.rowid * 40 + few.rowid, word.x || " +
  "CASE WHEN few.rowid % 3 = 0 THEN ' common running' ELSE ' runner zebra zebra' END " +
  "FROM word, few WHERE few.rowid < 6";

export const probeGroups: readonly ProbeGroup[] = [
  {
    name: "the list of functions",
    statements: [
      "SELECT name, type, narg FROM pragma_function_list ORDER BY 1, 2, 3",
      "SELECT name FROM pragma_module_list ORDER BY 1",
      "SELECT name FROM pragma_collation_list ORDER BY 1",
    ],
  },
  {
    name: "text to number",
    statements: [
      "SELECT CAST(x AS REAL), CAST(x AS INTEGER), CAST(x AS NUMERIC), x + 0 FROM digits",
      "SELECT 40.998583, 1e-5, 123456789.123456789, 0x7fffffffffffffff, 9223372036854775808",
    ],
  },
  {
    name: "number to text",
    statements: [
      "SELECT CAST(x AS TEXT), quote(x), printf('%!.17g %.3f %e %!.26g', x, x, x, x) FROM number",
      "SELECT round(x), round(x, 2), round(x, 14), CAST(x AS INTEGER), typeof(x) FROM number",
      "SELECT printf('%d %,d %x %s|%10.2f|%-8s|%q', 12345, 1234567, 255, 'a', 2.5, 'b', 'it''s')",
    ],
  },
  {
    name: "mathematical functions",
    statements: [
      "SELECT sin(x), cos(x), tan(x), exp(x), ln(x), log2(x), log(x), log(2, x) FROM few",
      "SELECT asin(x), acos(x), atan(x), sinh(x), cosh(x), tanh(x), asinh(x), acosh(x + 2), " +
      "atanh(x), pow(x, 1.5), power(abs(x), x / 3), atan2(x, 2) FROM few",
      "SELECT sqrt(x), ceil(x), floor(x), trunc(x), mod(x, 0.7), degrees(x), radians(x), pi(), " +
      "sign(x) FROM number",
      "SELECT sin('abc'), sin('1.5'), sin(NULL), log(0), ln(-1), acos(2), exp(1000), log(1, 5)",
    ],
  },
  {
    name: "arithmetic",
    statements: [
      "SELECT x * 3, x / 7, x + 0.1, x % 5, -x, abs(x), x < 1, x = CAST(x AS INTEGER) FROM number",
      "SELECT 9223372036854775807 + 1, -9223372036854775808 / -1, 5 / 0, 5 % 0, 7 / 2, -7 % 3",
      "SELECT 1 << 70, -1 >> 3, ~5, 9223372036854775807 = 9223372036854775807.0, '10' < 9",
      "SELECT abs(-9223372036854775808)",
    ],
  },
  {
    name: "aggregates",
    statements: [
      "SELECT sum(x), avg(x), total(x), min(x), max(x), count(*) FROM number WHERE abs(x) < 1e300",
      "SELECT sum(x) FROM digits",
      "SELECT group_concat(x, '|'), group_concat(DISTINCT lower(x)) FROM word",
      "SELECT string_agg(x, '|' ORDER BY x DESC) FROM word",
      "SELECT sum(x) OVER (ORDER BY x ROWS 3 PRECEDING), rank() OVER (ORDER BY x), " +
      "ntile(7) OVER (ORDER BY x), lag(x, 2) OVER (ORDER BY x) FROM few",
      "SELECT sum(9223372036854775807) FROM few",
      "SELECT median(x), percentile(x, 33) FROM few",
    ],
  },
  {
    name: "dates and times",
    statements: [
      "SELECT datetime(x), julianday(x), strftime('%Y-%m-%d %H:%M:%f %j %w %W %s %J', x) " +
      "FROM number WHERE x BETWEEN 0 AND 5373484",
      "SELECT strftime('%G %V %u %e %k %I %l %p %P %R %T %F %U %g', '2024-12-30 13:05:06.789')",
      "SELECT datetime('now'), datetime('now', 'subsec'), unixepoch('now', 'localtime')",
      "SELECT date('2024-01-31', '+1 month'), date('2024-01-31', '+1 month', 'floor'), " +
      "datetime(1e10, 'auto'), date('2024-02-29', '-1 year', 'weekday 0', 'start of month')",
      "SELECT timediff('2024-03-01', '2023-12-31 10:00'), datetime('2024-01-01T00:00:00.5Z')",
      "SELECT date('2024-02-30'), date('24-1-1'), time('24:00'), datetime('2024-01-01 1:00')",
    ],
  },
  {
    name: "texts and collations",
    statements: [
      "SELECT x, upper(x), lower(x), length(x), unicode(x), hex(x), quote(x) FROM word",
      "SELECT x FROM word ORDER BY x COLLATE NOCASE, x",
      "SELECT x FROM word ORDER BY x COLLATE RTRIM, rowid",
      "SELECT x REGEXP 'a' FROM word",
      "SELECT soundex('Robert')",
      "SELECT a.rowid, b.rowid FROM word AS a, word AS b WHERE a.x LIKE b.x OR a.x GLOB b.x",
      "SELECT x LIKE 'ä%', x LIKE '%É', x LIKE 'a\\%b%' ESCAPE '\\' FROM word",
      "SELECT substr('日本語', 2), instr('naïve', 'ï'), trim('  é '), replace('aXbX', 'X', 'é')",
      "SELECT char(228, 0x1F600), unhex('4142'), concat_ws('-', 1, 'b')",
      "SELECT x'C328' || 'a', CAST(x'E9' AS TEXT), hex(CAST(x'FF00' AS TEXT)), 'a' LIKE x'61'",
    ],
  },
  {
    name: "JSON",
    statements: [
      "SELECT json_array(x, -x, CAST(x AS TEXT)), json_quote(x) FROM number",
      `SELECT json('{"a" : 1.50, "b":[1,2,{"c":null}], "d":"\\u00e9"}'), json('{a:1,}')`,
      `SELECT json_extract('{"a":1e400,"b":40.998583,"c":9223372036854775808}', '$.a', '$.b', '$.c')`,
      `SELECT '{"a":[1,2,3]}' -> 'a', '{"a":[1,2,3]}' ->> '$.a[#-1]', json_valid('{a:1}')`,
      `SELECT json_patch('{"a":1,"b":2}', '{"b":null,"c":[]}'), json_group_object(x, rowid) FROM word`,
      "SELECT hex(jsonb('[1,2.5,\"x\",null]')), json_pretty('[1,[2]]'), json_error_position('[1,')",
      `SELECT * FROM json_tree('{"a":[1,{"b":2}],"c":"d"}')`,
    ],
  },
  {
    name: "the optimizer's choices",
    statements: [
      "CREATE TABLE o(id INTEGER PRIMARY KEY, a, b, c)",
      "CREATE INDEX o_a ON o(a)",
      "CREATE INDEX o_bc ON o(b, c)",
      "INSERT INTO o(a, b, c) SELECT x % 5, length(x), x FROM digits",
      "ANALYZE",
      "SELECT * FROM sqlite_stat1 ORDER BY 1, 2",
      "SELECT id FROM o WHERE a = 1 OR b = 9",
      "SELECT DISTINCT a, b FROM o",
      "SELECT a, count(*), max(id), c FROM o GROUP BY b",
      "SELECT p.id, q.id FROM o AS p JOIN o AS q ON p.a = q.b WHERE p.c > q.c LIMIT 50",
      "SELECT b FROM o WHERE b > 5 AND a < 3 UNION SELECT a FROM o WHERE c LIKE '4%'",
      "EXPLAIN QUERY PLAN SELECT id FROM o WHERE a = 1 OR b = 9",
      "EXPLAIN QUERY PLAN SELECT * FROM o WHERE b = 3 AND a > 1 ORDER BY c",
      "EXPLAIN QUERY PLAN SELECT p.id FROM o AS p, o AS q, word WHERE p.a = q.b AND word.x = q.c",
    ],
  },
  {
    name: "full-text search",
    statements: [
      "CREATE VIRTUAL TABLE f USING fts5(x, tokenize = 'porter unicode61 remove_diacritics 2')",
      documents,
      "SELECT rowid, snippet(f, 0, '<', '>', '…', 4) FROM f WHERE f MATCH 'run AND zebra' LIMIT 9",
      "SELECT rowid, rank, bm25(f, 2.0) FROM f WHERE f MATCH 'zebra OR apfel' ORDER BY rank LIMIT 20",
      "SELECT hex(block) FROM f_data WHERE id < 100",
      "CREATE VIRTUAL TABLE g USING fts5(x, tokenize = 'trigram', detail = 'column')",
      "INSERT INTO g SELECT x FROM word",
      "SELECT rowid FROM g WHERE x LIKE '%pfe%'",
      "CREATE VIRTUAL TABLE h USING fts4(x, tokenize = unicode61)",
      "INSERT INTO h SELECT x FROM word",
      "SELECT rowid, hex(matchinfo(h, 'pcnalx')), offsets(h) FROM h WHERE h MATCH 'a* OR zebra'",
    ],
  },
  {
    name: "the logarithm by which full-text search ranks",
    statements: [libraryLogarithms],
    onLibrary: true,
  },
  {
    name: "R-trees",
    statements: [
      "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)",
      "INSERT INTO r SELECT rowid, x, x + 0.1 FROM number WHERE abs(x) < 1e30",
      "SELECT * FROM r WHERE x1 > 0.3 AND x0 < 0.7",
      "SELECT hex(data) FROM r_node",
      "SELECT geopoly_area(geopoly_regular(1, 2, 3, 7)), geopoly_json('[[0,0],[1,0],[0,1],[0,0]]')",
    ],
  },
  {
    name: "random numbers",
    statements: ["SELECT random(), hex(randomblob(5))", "SELECT x FROM word ORDER BY random()"],
  },
  {
    name: "settings",
    statements: [
      ...["PRAGMA encoding", "PRAGMA page_size", "PRAGMA auto_vacuum", "PRAGMA recursive_triggers"],
      ...["PRAGMA trusted_schema", "PRAGMA legacy_alter_table", "PRAGMA secure_delete"],
      "SELECT 'a' = \"no such column\"",
      'CREATE TABLE d(x DEFAULT "text")',
      "INSERT INTO d DEFAULT VALUES",
      "SELECT * FROM d",
      "DELETE FROM d ORDER BY x LIMIT 1",
      "CREATE TABLE s(x INT, y TEXT) STRICT",
    ],
  },
];
