import assert from "node:assert/strict";
import { rightsOf } from "../../src/access/table_rights.ts";
import { TestStore } from "./fixture.ts";

const schema = [
  "CREATE TABLE orders (id INTEGER PRIMARY KEY, item, price, total AS (price * 2))",
  "INSERT INTO orders (id, item, price) VALUES (1, 'tea', 3)",
  "CREATE TABLE secret (x, y)",
  "INSERT INTO secret VALUES ('classified', 1)",
  "CREATE TABLE notes (id INTEGER PRIMARY KEY, t)",
  "INSERT INTO notes VALUES (1, 'n')",
  'CREATE TABLE "Public_A" (a UNIQUE, b)',
  "INSERT INTO public_a VALUES (1, 2)",
  "CREATE TABLE public_auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
  "CREATE TABLE inbox (m)",
  "CREATE VIEW order_view AS SELECT item FROM orders",
  "CREATE VIEW public_secret AS SELECT x FROM secret",
  "CREATE VIEW public_nested AS SELECT x FROM public_secret, orders",
  "CREATE VIEW public_box AS SELECT m FROM inbox",
  "CREATE VIEW public_using AS SELECT x FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x)",
  "CREATE VIEW public_natural AS SELECT count(*) AS n FROM (SELECT 'guess' AS x) NATURAL JOIN secret",
  "CREATE VIEW constant AS SELECT 'classified' AS x",
  "CREATE TABLE public_same (x, y)",
  "CREATE TABLE public_seeing (a)",
  "CREATE TRIGGER seeing AFTER INSERT ON public_seeing BEGIN INSERT INTO public_a (a) " +
  "SELECT x FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x); END",
  "CREATE TABLE keyed (k PRIMARY KEY, v) WITHOUT ROWID",
  "INSERT INTO keyed VALUES ('classified', 1)",
  "CREATE TABLE public_fired (a)",
  "CREATE TRIGGER fired AFTER INSERT ON public_fired BEGIN INSERT INTO inbox SELECT x FROM secret; END",
  "CREATE TABLE public_own (a)",
  "CREATE TRIGGER own AFTER INSERT ON public_own BEGIN INSERT INTO public_a VALUES (new.a, 0); END",
  "CREATE VIEW public_door AS SELECT 1 AS a",
  "CREATE TRIGGER door INSTEAD OF INSERT ON public_door BEGIN DELETE FROM secret; END",
  "CREATE TABLE parent (id PRIMARY KEY)",
  "CREATE TABLE public_child (p REFERENCES parent)",
  "CREATE TABLE public_parent (id PRIMARY KEY)",
  "CREATE TABLE child (p REFERENCES public_parent ON DELETE CASCADE)",
  "CREATE VIRTUAL TABLE public_f USING fts5(body)",
  "INSERT INTO public_f VALUES ('green tea')",
  "CREATE VIRTUAL TABLE hidden_f USING fts5(body)",
  "INSERT INTO hidden_f VALUES ('classified')",
  "CREATE VIRTUAL TABLE public_r USING rtree(id, x0, x1)",
  "INSERT INTO public_r VALUES (1, 0, 1)",
];

const bob = rightsOf({
  username: "bob",
  tables: { read: ["orders", "order_view", "PUBLIC_*"], write: ["inbox", "public_*"] },
});

type Verdict = "allowed" | RegExp;
const secretRead = /access to secret is prohibited: user \\"bob\\" may not read it/;
const schemaRead = /access to sqlite_master is prohibited/;

const reads: [string, Verdict][] = [
  ["SELECT * FROM orders", "allowed"],
  ["SELECT total FROM ORDERS", "allowed"],
  ["SELECT total FROM secret, orders", secretRead],
  ["SELECT x FROM secret", secretRead],
  ['SELECT "X" FROM "SECRET"', secretRead],
  ["SELECT [x] FROM main.`Secret`", secretRead],
  ["SELECT count(*) FROM secret", secretRead],
  ["SELECT 1 FROM Secret AS s", /access to Secret is prohibited/],
  ["SELECT 1 WHERE EXISTS (SELECT 1 FROM secret)", secretRead],
  ["SELECT rowid FROM secret", secretRead],
  ["SELECT (SELECT max(x) FROM secret)", secretRead],
  ["SELECT 'classified' IN (SELECT x FROM secret)", secretRead],
  ["SELECT item FROM orders ORDER BY (SELECT y FROM secret)", secretRead],
  ["SELECT item FROM orders LEFT JOIN secret ON 1", /secret is prohibited/],
  // SQLite does not tell of what these read.
  ["SELECT * FROM public_a NATURAL FULL JOIN secret", secretRead],
  ["WITH g(x) AS (VALUES ('classified')) SELECT count(*) FROM g NATURAL JOIN secret", secretRead],
  ["WITH g(x) AS (VALUES ('guess')) SELECT x FROM g FULL JOIN secret USING (x)", secretRead],
  ["WITH g(x) AS (VALUES ('guess')) SELECT x FROM g FULL JOIN secret uSiNg(x)", secretRead],
  ["SELECT x FROM (SELECT 'g' AS x) a JOIN (SELECT 1) b ON 1.0/**/NATURAL JOIN secret", secretRead],
  ["SELECT x FROM (SELECT 'g' AS x) a JOIN (SELECT 1) b ON ?1NATURAL FULL JOIN secret", secretRead],
  [
    "SELECT body FROM (SELECT 'g' AS body) FULL JOIN hidden_f USING (body)",
    /hidden_f is prohibited/,
  ],
  ["EXPLAIN SELECT x FROM (SELECT 'g' AS x) FULL JOIN secret USING (x)", secretRead],
  ["SELECT x FROM secret NATURAL FULL JOIN (SELECT 'guess' AS x)", secretRead],
  ["SELECT x FROM (SELECT 'g' AS x) RIGHT JOIN main.[secret] AS o USING (x)", secretRead],
  ["SELECT x FROM (SELECT 'g' AS x) FULL JOIN (SELECT * FROM secret) USING (x)", secretRead],
  ["SELECT k FROM (SELECT 'g' AS k) FULL JOIN keyed USING (k)", /access to keyed is prohibited/],
  ["SELECT name FROM (SELECT 'g' AS name) FULL JOIN sqlite_schema USING (name)", schemaRead],
  ["SELECT name FROM (SELECT 'g' AS name) FULL JOIN sqlite_temp_master USING (name)", schemaRead],
  ["SELECT seq FROM sqlite_sequence FULL JOIN (SELECT 'g' AS seq) USING (seq)", /sequence is proh/],
  ["SELECT name FROM (SELECT 'g' AS name) FULL JOIN dbstat USING (name)", /dbstat is prohibited/],
  [
    "SELECT block FROM (SELECT 'g' AS block) FULL JOIN hidden_f_data USING (block)",
    /hidden_f_data is prohibited/,
  ],
  ["SELECT x FROM (SELECT 'g' AS x) FULL JOIN constant USING (x)", /access to constant is proh/],
  ["SELECT count(*) FROM constant", /access to constant is prohibited/],
  ["WITH constant AS (SELECT 1 AS x) SELECT x FROM constant", /access to constant is prohibited/],
  ["SELECT x FROM public_using", secretRead],
  ["SELECT n FROM public_natural", secretRead],
  ["SELECT item FROM (SELECT 'tea' AS item) JOIN orders USING (item)", "allowed"],
  ["SELECT item FROM (SELECT 'tea' AS item) NATURAL LEFT JOIN order_view", "allowed"],
  ["SELECT body FROM (SELECT 'tea' AS body) FULL JOIN public_f USING (body)", "allowed"],
  ["SELECT value FROM (SELECT 1 AS value) FULL JOIN json_each('[1]') USING (value)", "allowed"],
  ["SELECT value FROM (SELECT 1 AS value) NATURAL JOIN json_tree('[1]')", "allowed"],
  [
    "SELECT name FROM (SELECT 'id' AS name) JOIN pragma_table_info('orders') USING (name)",
    "allowed",
  ],
  [
    "SELECT name FROM (SELECT 'x' AS name) JOIN pragma_table_info('secret') USING (name)",
    secretRead,
  ],
  [";; SELECT item FROM (SELECT 'tea' AS item) JOIN orders USING (item)", "allowed"],
  [";; SELECT x FROM (SELECT 'tea' AS x) JOIN secret USING (x)", secretRead],
  [
    "/**/ EXPLAIN -- \n QUERY PLAN SELECT 1 FROM (SELECT 'g' AS x) JOIN secret USING (x)",
    secretRead,
  ],
  ["SELECT item FROM (SELECT 'tea' AS item) a JOIN orders o ON a.item = o.item", /ambiguous/],
  ["SELECT o.item FROM (SELECT 'tea' AS item) a JOIN orders o ON a.item = o.item", "allowed"],
  ["SELECT 'natural using' AS \"using\"", "allowed"],
  ["SELECT item FROM orders UNION SELECT x FROM secret", secretRead],
  ["SELECT sum(1) OVER (ORDER BY x) FROM secret", secretRead],
  ["WITH c AS (SELECT x FROM secret) SELECT * FROM c", secretRead],
  ["WITH c AS (SELECT item FROM orders) SELECT * FROM c", "allowed"],
  ["WITH c AS (SELECT item FROM orders) SELECT count(*) FROM c", "allowed"],
  [
    "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT count(*) FROM c",
    "allowed",
  ],
  ["WITH secret AS (SELECT 1 AS x) SELECT x FROM secret", "allowed"],
  ["VALUES ((SELECT x FROM secret))", secretRead],
  ["EXPLAIN SELECT x FROM secret", secretRead],
  ["EXPLAIN QUERY PLAN SELECT x FROM secret", secretRead],
  ["EXPLAIN QUERY PLAN SELECT item FROM orders", "allowed"],
  ["SELECT item FROM order_view", "allowed"],
  ["SELECT x FROM public_secret", secretRead],
  ["SELECT count(*) FROM public_secret", secretRead],
  ["SELECT * FROM public_nested", secretRead],
  ["SELECT m FROM public_box", /inbox/],
  ["SELECT m FROM inbox", /access to inbox is prohibited: user \\"bob\\" may not read it/],
  ["SELECT a FROM public_a", "allowed"],
  ["SELECT body FROM public_f WHERE public_f MATCH 'tea'", "allowed"],
  ["SELECT highlight(public_f, 0, '<', '>') FROM public_f('tea')", "allowed"],
  ["SELECT body FROM hidden_f", /hidden_f is prohibited/],
  ["SELECT block FROM hidden_f_data", /hidden_f_data is prohibited/],
  ["SELECT id FROM public_r WHERE x0 < 1", "allowed"],
  ["SELECT value FROM json_each('[1]')", "allowed"],
  ["SELECT count(*) FROM json_tree('[1]')", "allowed"],
  ["SELECT sql FROM sqlite_schema", schemaRead],
  ["SELECT name FROM sqlite_master WHERE type = 'table'", schemaRead],
  ["SELECT count(*) FROM sqlite_schema", /sqlite_master is prohibited/],
  ["SELECT rowid FROM main.sqlite_schema", schemaRead],
  ["SELECT * FROM sqlite_sequence", /sqlite_sequence is prohibited/],
  ["SELECT * FROM sqlite_raft", /sqlite_raft is prohibited/],
  ["PRAGMA table_info(orders)", "allowed"],
  ["PRAGMA table_xinfo('Orders')", "allowed"],
  ["PRAGMA table_info(secret)", secretRead],
  ["EXPLAIN PRAGMA table_info(secret)", secretRead],
  ["SELECT name FROM pragma_table_info('orders')", "allowed"],
  ["SELECT name FROM pragma_table_info('secret')", secretRead],
  ["SELECT count(*) FROM pragma_table_info('secret')", secretRead],
  ["SELECT p.name FROM (SELECT 'secret' AS t) s, pragma_table_xinfo(s.t) p", secretRead],
  ["PRAGMA table_list", /PRAGMA table_list is prohibited/],
  ["SELECT name FROM pragma_table_list", /PRAGMA table_list is prohibited/],
  ["PRAGMA index_info(sqlite_autoindex_Public_A_1)", /PRAGMA index_info is prohibited/],
  ["PRAGMA integrity_check", /PRAGMA integrity_check is prohibited/],
  ["PRAGMA quick_check(orders)", "allowed"],
  ["PRAGMA foreign_key_check", /PRAGMA foreign_key_check is prohibited/],
  ["PRAGMA database_list", /PRAGMA database_list is prohibited/],
  ["PRAGMA foreign_keys", "allowed"],
  ["SELECT user_version FROM pragma_user_version", "allowed"],
  ["SELECT name FROM dbstat", /dbstat is prohibited/],
  ["SELECT 1 FROM dbstat", /dbstat is prohibited/],
  ["SELECT load_extension('x')", /load_extension/],
  ["SELECT rtreecheck('public_r')", /rtreecheck\(\) is prohibited/],
  ["SELECT OPTIMIZE(public_f) FROM public_f", /optimize\(\) is prohibited/],
  ["ATTACH 'x' AS y", /ATTACH/],
  ["CREATE TEMP TABLE t (a)", /prohibited|refused/],
  ["SELECT 1", "allowed"],
];

Deno.test("a reader lets a user read only what rights by table allow", async () => {
  await using store = await TestStore.open();
  await store.execute(schema);
  for (const [sql, verdict] of reads) {
    // Prepared for somebody else before, and from what is kept.
    await store.query(sql);
    for (const time of ["first", "again"]) {
      const answer = await store.query(sql, [], {}, bob);
      if (verdict === "allowed") assert.doesNotMatch(answer, /"error"/, `${sql}, ${time}`);
      else assert.match(answer, verdict, `${sql}, ${time}`);
      assert.doesNotMatch(answer, /classified/, sql);
    }
  }
  assert.match(await store.query("SELECT x FROM secret"), /classified/);
});

const writes: [string, Verdict][] = [
  ...reads.filter(([sql]) => !/sqlite_raft|dbstat|TEMP/.test(sql)),
  ["INSERT INTO inbox VALUES (1)", "allowed"],
  ["INSERT INTO inbox VALUES (1) RETURNING m", /access to inbox is prohibited: .* may not read it/],
  ["DELETE FROM inbox", "allowed"],
  ["DELETE FROM inbox WHERE m = 1", /access to inbox is prohibited: .* may not read it/],
  ["UPDATE inbox SET m = 2", "allowed"],
  ["UPDATE inbox SET m = m + 1", /may not read it/],
  ["INSERT INTO orders (item) VALUES ('x')", /access to orders is prohibited: .* may not write it/],
  ["UPDATE orders SET item = 'x'", /may not write it/],
  ["DELETE FROM orders RETURNING item", /may not write it/],
  ["REPLACE INTO orders (id, item) VALUES (1, 'x')", /may not write it/],
  ["EXPLAIN INSERT INTO orders (item) VALUES ('x')", /may not write it/],
  ["WITH c AS (SELECT 1) DELETE FROM orders", /may not write it/],
  ["INSERT INTO public_a SELECT x, 1 FROM secret", secretRead],
  ["UPDATE public_a SET a = (SELECT x FROM secret)", secretRead],
  ["UPDATE public_a SET a = x FROM secret", secretRead],
  [
    "INSERT INTO public_a SELECT x, 1 FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x)",
    secretRead,
  ],
  [
    "UPDATE public_a SET a = (SELECT x FROM (SELECT 'guess' AS x) NATURAL FULL JOIN (SELECT x FROM secret))",
    secretRead,
  ],
  ["DELETE FROM public_a WHERE a IN (SELECT x FROM secret)", secretRead],
  // SQLite copies all rows without asking about what they are read from.
  ["INSERT INTO public_same SELECT * FROM secret", secretRead],
  ["EXPLAIN INSERT INTO public_same SELECT * FROM secret", secretRead],
  ["INSERT INTO public_same SELECT * FROM public_same", "allowed"],
  ["INSERT INTO public_same TABLE secret", /syntax error/],
  ["INSERT INTO public_seeing VALUES (1)", secretRead],
  // What may be written only is not to be read by its own change.
  [
    "INSERT INTO inbox SELECT m FROM (SELECT 'g' AS m) FULL JOIN inbox USING (m)",
    /access to inbox is prohibited: .* may not read it/,
  ],
  [
    "DELETE FROM inbox WHERE EXISTS (SELECT 1 FROM (SELECT 'g' AS m) JOIN inbox USING (m))",
    /access to inbox is prohibited: .* may not read it/,
  ],
  [
    "INSERT INTO public_auto (v) SELECT seq FROM (SELECT 1 AS seq) FULL JOIN sqlite_sequence USING (seq)",
    /sqlite_sequence is prohibited/,
  ],
  [
    "INSERT INTO public_auto (v) SELECT seq FROM sqlite_sequence FULL JOIN (SELECT 1 AS seq) USING (seq)",
    /sqlite_sequence is prohibited/,
  ],
  [
    "INSERT INTO public_auto (v) SELECT item FROM (SELECT 'tea' AS item) FULL JOIN orders USING (item)",
    "allowed",
  ],
  [
    "INSERT INTO public_a VALUES (1, 3) ON CONFLICT (a) DO UPDATE SET b = (SELECT y FROM secret)",
    secretRead,
  ],
  ["INSERT INTO public_a VALUES (1, 3) ON CONFLICT (a) DO UPDATE SET b = excluded.b", "allowed"],
  [
    "INSERT INTO public_a VALUES (1, 3) ON CONFLICT DO NOTHING RETURNING (SELECT x FROM secret)",
    secretRead,
  ],
  ["REPLACE INTO Public_A VALUES (1, 4)", "allowed"],
  ["UPDATE public_a SET b = b + 1 WHERE a = 1 RETURNING b", "allowed"],
  ["INSERT INTO public_fired VALUES (1)", secretRead],
  ["INSERT INTO public_own VALUES (10)", "allowed"],
  ["INSERT INTO public_door VALUES (1)", /access to secret is prohibited: .* may not write it/],
  ["INSERT INTO public_child VALUES (1)", /access to parent is prohibited: .* may not read it/],
  ["DELETE FROM public_parent", /access to child is prohibited/],
  ["INSERT INTO public_f VALUES ('black tea')", "allowed"],
  ["UPDATE public_f SET body = 'white tea' WHERE rowid = 1", "allowed"],
  ["INSERT INTO public_f (public_f) VALUES ('optimize')", "allowed"],
  ["INSERT INTO hidden_f VALUES ('x')", /hidden_f is prohibited/],
  ["INSERT INTO public_r VALUES (2, 0, 1)", "allowed"],
  ["DELETE FROM public_r WHERE id = 2", "allowed"],
  ["INSERT INTO public_auto (v) VALUES (1)", "allowed"],
  ["UPDATE sqlite_sequence SET seq = 100", /sqlite_sequence is prohibited/],
  ["DELETE FROM sqlite_schema", /may not be modified|prohibited/],
  ["CREATE TABLE mine (a)", /access to mine is prohibited: .* may not write it/],
  ["CREATE TABLE orders2 AS SELECT * FROM orders", /may not write it/],
  ["CREATE TABLE public_b AS SELECT x FROM secret", secretRead],
  ["CREATE TABLE public_b AS SELECT sql FROM sqlite_schema", schemaRead],
  ["CREATE TABLE public_b AS SELECT count(*) FROM sqlite_schema", schemaRead],
  ["CREATE TABLE public_b AS SELECT item FROM orders", "allowed"],
  ["CREATE TABLE public_c (id INTEGER PRIMARY KEY AUTOINCREMENT, v CHECK (v > 0))", "allowed"],
  ["CREATE INDEX i ON orders (item)", /may not write it/],
  ["CREATE INDEX i ON public_a (b) WHERE b > 0", "allowed"],
  ["DROP INDEX i", "allowed"],
  ["CREATE VIEW public_v AS SELECT 1", /To create a view is prohibited/],
  ["CREATE TRIGGER t AFTER INSERT ON public_a BEGIN SELECT 1; END", /a trigger is prohibited/],
  ["DROP TRIGGER own", /a trigger is prohibited/],
  ["CREATE VIRTUAL TABLE public_g USING fts5(a)", /a virtual table is prohibited/],
  ["CREATE VIRTUAL TABLE public_g USING fts5vocab(hidden_f, row)", /a virtual table is prohibited/],
  [
    "CREATE TABLE public_x AS SELECT x FROM (SELECT 'g' AS x) FULL JOIN secret USING (x)",
    secretRead,
  ],
  [
    "CREATE TABLE public_x AS SELECT name FROM (SELECT 'g' AS name) FULL JOIN sqlite_schema USING (name)",
    schemaRead,
  ],
  ["CREATE TABLE public_o (a REFERENCES orders)", /access to orders is proh.* may not write it/],
  ["CREATE TABLE public_o (a, FOREIGN KEY (a) REFERENCES 'later' (b))", /access to later is proh/],
  [
    "CREATE TABLE public_o (a REFERENCES [public_a](a) references notes)",
    /access to notes is proh/,
  ],
  ["ALTER TABLE public_b ADD COLUMN r REFERENCES/**/secret", /access to secret is .*not write it/],
  ["CREATE TABLE public_e (a UNIQUE, b REFERENCES public_e (a), c REFERENCES inbox)", "allowed"],
  ["CREATE TABLE public_g (\"references\" DEFAULT 'REFERENCES secret', b [REFERENCES])", "allowed"],
  ["DROP TABLE public_g", "allowed"],
  ["DROP TABLE public_e", "allowed"],
  ["ALTER TABLE public_b RENAME TO secrets", /access to secrets is prohibited: .*not write it/],
  ['EXPLAIN ALTER TABLE main . public_b RENAME TO "a ""b"', /access to a ."b is prohibited/],
  ["ALTER TABLE [public_b] RENAME/**/TO 'order 2'", /access to order 2 is prohibited/],
  ["ALTER TABLE public_b RENAME item TO secret", "allowed"],
  ["ALTER TABLE public_b RENAME COLUMN secret TO rename", "allowed"],
  ["ALTER TABLE public_b RENAME rename TO item", "allowed"],
  ["ALTER TABLE orders RENAME TO public_o", /may not write it/],
  ["ALTER TABLE inbox RENAME TO public_i", /access to inbox is prohibited: .* may not read it/],
  ["ALTER TABLE public_b RENAME TO public_d", "allowed"],
  ["ALTER TABLE public_d ADD COLUMN z CHECK (z > 0)", "allowed"],
  ["ALTER TABLE public_d RENAME COLUMN z TO zz", "allowed"],
  ["ALTER TABLE public_d DROP COLUMN zz", "allowed"],
  ["DROP TABLE public_d", "allowed"],
  ["DROP TABLE public_c", "allowed"],
  ["DROP TABLE public_own", /a trigger is prohibited/],
  ["DROP TABLE orders", /may not write it/],
  ["DROP VIEW order_view", /may not write it/],
  ["DROP TABLE public_f", "allowed"],
  ["DROP TABLE hidden_f", /hidden_f is prohibited/],
  ["ANALYZE", /prohibited/],
  ["REINDEX", /REINDEX is prohibited/],
  ["VACUUM", /VACUUM is prohibited/],
  ["PRAGMA user_version = 5", /PRAGMA user_version is prohibited/],
  ["PRAGMA foreign_keys = OFF", /PRAGMA foreign_keys is prohibited/],
  ["PRAGMA defer_foreign_keys = ON", "allowed"],
  ["PRAGMA optimize", /PRAGMA optimize is prohibited/],
  ["PRAGMA incremental_vacuum", /prohibited/],
  ["PRAGMA writable_schema = ON", /PRAGMA writable_schema is prohibited/],
  ["VACUUM INTO 'x'", /VACUUM INTO is refused/],
];

const everything = "SELECT (SELECT json_group_array(json_array(id, item, price)) FROM orders), " +
  "(SELECT json_group_array(json_array(x, y)) FROM secret), " +
  "(SELECT json_group_array(t) FROM notes), (SELECT json_group_array(p) FROM child), " +
  "(SELECT json_group_array(body) FROM hidden_f), (SELECT json_group_array(k) FROM keyed)";

for (const transaction of [false, true]) {
  const how = transaction ? "in a transaction" : "by themselves";
  Deno.test(`a writer lets a user do only what rights by table allow, ${how}`, async () => {
    await using store = await TestStore.open({ foreignKeys: true });
    await store.execute(schema);
    const before = await store.query(everything);
    for (const [sql, verdict] of writes) {
      if (transaction && /VACUUM|defer_foreign/.test(sql)) continue;
      const [answer = ""] = await store.apply(
        store.entries.execute([sql], { rights: bob, transaction }),
      );
      if (verdict === "allowed") assert.doesNotMatch(answer, /"error"/, sql);
      else assert.match(answer, verdict, sql);
      assert.doesNotMatch(answer, /classified/, sql);
    }
    assert.equal(await store.query(everything), before);
  });
}

Deno.test("what is prepared and kept for one user is not another's", async () => {
  await using store = await TestStore.open();
  await store.execute(schema);
  const alice = rightsOf({ username: "alice", tables: { read: ["secret"], write: ["orders"] } });
  const read = "SELECT x FROM secret";
  const write = "UPDATE orders SET price = price";
  const insert = "INSERT INTO orders (item) VALUES ('x')";
  for (let i = 0; i < 3; i++) {
    assert.match(await store.query(read), /classified/);
    assert.match(await store.query(read, [], {}, alice), /classified/);
    assert.match(await store.query(read, [], {}, bob), secretRead);
    assert.doesNotMatch(await store.execute([insert]), /error/);
    assert.doesNotMatch(await store.execute([insert], { rights: alice }), /error/);
    assert.match(await store.execute([insert], { rights: bob }), /bob.* may not write it/);
    assert.match(await store.execute([write], { rights: alice }), /alice.* may not read it/);
  }
  // More users than a connection keeps statements for.
  for (let i = 0; i < 40; i++) {
    const rights = rightsOf({
      username: `u${i}`,
      tables: { read: [`t${i}`, "orders"], write: [] },
    });
    assert.match(await store.query(read, [], {}, rights), new RegExp(`u${i}.* may not read it`));
    assert.match(await store.query("SELECT item FROM orders", [], {}, rights), /tea/);
    assert.match(await store.execute([insert], { rights }), new RegExp(`u${i}.*may not write it`));
  }
});

Deno.test("rights hold for what a name means when a statement runs", async () => {
  await using store = await TestStore.open();
  await store.execute(schema);
  const read = "SELECT a FROM public_a";
  assert.doesNotMatch(await store.query(read, [], {}, bob), /error/);
  assert.doesNotMatch(await store.execute([read], { rights: bob, unified: true }), /error/);
  // A view over what must not be read takes the name of what may be.
  await store.execute([
    "ALTER TABLE public_a RENAME TO old",
    "CREATE VIEW public_a AS SELECT x AS a FROM secret",
  ]);
  assert.match(await store.query(read, [], {}, bob), secretRead);
  assert.match(await store.execute([read], { rights: bob, unified: true }), secretRead);
  assert.match(await store.query("SELECT a FROM old", [], {}, bob), /old is prohibited/);
  // A table takes the name of a common table expression.
  const count = "WITH c AS (SELECT 1) SELECT count(*) FROM c";
  assert.doesNotMatch(await store.query(count, [], {}, bob), /error/);
  const outer = "SELECT count(*) FROM later";
  assert.match(await store.query(outer, [], {}, bob), /no such table/);
  await store.execute(["CREATE TABLE later (a)"]);
  assert.match(await store.query(outer, [], {}, bob), /later is prohibited/);
});

Deno.test("a refused statement takes its transaction back, and nothing else", async () => {
  await using store = await TestStore.open();
  await store.execute(schema);
  const insert = "INSERT INTO inbox VALUES ('in')";
  const all = await store.execute([insert, "DELETE FROM secret", insert], {
    rights: bob,
    transaction: true,
  });
  assert.match(all, /secret is prohibited/);
  assert.match(await store.query("SELECT count(*) FROM inbox"), /\[\[0\]\]/);
  await store.execute([insert, "DELETE FROM secret", insert], { rights: bob });
  assert.match(await store.query("SELECT count(*) FROM inbox"), /\[\[2\]\]/);
  await store.execute([`BEGIN; ${insert}; DELETE FROM secret; COMMIT`], { rights: bob });
  assert.match(await store.query("SELECT count(*) FROM inbox"), /\[\[2\]\]/);
  assert.match(await store.query("SELECT count(*) FROM secret"), /\[\[1\]\]/);
});

Deno.test("inspection does not call read-only what a user may not read", async () => {
  await using store = await TestStore.open();
  await store.execute(schema);
  const statements = [
    { sql: "SELECT item FROM orders" },
    { sql: "SELECT x FROM secret" },
    { sql: "SELECT x FROM (SELECT 'guess' AS x) FULL JOIN secret USING (x)" },
    { sql: "SELECT item FROM (SELECT 'guess' AS item) FULL JOIN orders USING (item)" },
  ];
  assert.deepEqual(await store.store.inspect(statements, bob), [true, false, false, true]);
  assert.deepEqual(await store.store.inspect(statements), [true, true, true, true]);
});
