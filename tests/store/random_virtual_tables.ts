import { quotedName, type RandomSql } from "./random_sql.ts";

/** Draws full-text tables of all kinds of content, R-trees, and what stands beside them. */
export class RandomVirtualTables {
  readonly #sql: RandomSql;

  constructor(sql: RandomSql) {
    this.#sql = sql;
  }

  draw(): void {
    const r = this.#sql.random;
    const count = 1 + r.below(3);
    for (let i = 0; i < count; i++) {
      const module = r.below(6);
      if (module <= 1) this.#fts5();
      else if (module <= 3) this.#fts4();
      else this.#rtree();
    }
  }

  #contentTable(): [table: string, key: string] {
    const source = this.#sql.newName();
    const key = this.#sql.pick(["rowid", "id"]);
    this.#sql.add(
      `CREATE TABLE ${quotedName(source)} (${
        key === "id" ? "id INTEGER PRIMARY KEY, " : ""
      }x, "y z", lid INT)`,
    );
    for (let i = 0; i < 5; i++) {
      const id = i * 7 + this.#sql.random.below(5);
      this.#sql.add(
        `INSERT INTO ${
          quotedName(source)
        } (${key}, x, "y z", lid) VALUES (${id}, 'word${i} alpha', 'beta', ${i % 2})`,
      );
    }
    if (!this.#sql.random.chance(0.4)) return [source, key];
    const view = this.#sql.newName();
    this.#sql.add(
      this.#sql.join([
        "CREATE VIEW",
        this.#sql.name(view),
        "AS SELECT",
        `${key} AS id, x, "y z", lid FROM ${quotedName(source)}`,
      ]),
    );
    return [view, "id"];
  }

  #virtualTable(name: string, module: string, list: readonly string[]): void {
    const separated = list.flatMap((argument, i) => i === 0 ? [argument] : [",", argument]);
    this.#sql.add(
      this.#sql.join([
        "CREATE",
        "VIRTUAL",
        "TABLE",
        this.#sql.name(name),
        "USING",
        module,
        "(",
        ...separated,
        ")",
      ], false),
    );
  }

  #fts5(): void {
    const r = this.#sql.random;
    const name = this.#sql.newName();
    const table = quotedName(name);
    const mode = this.#sql.pick(["own", "own", "outside", "none", "gone"]);
    const list = ["x", `"y z"${r.chance(0.3) && mode === "own" ? " UNINDEXED" : ""}`];
    let source = "";
    if (mode === "outside" || mode === "gone") {
      const [content, key] = this.#contentTable();
      source = content;
      list.push(`${this.#sql.pick(["content", "CONTENT ", "cont"])}=${quotedName(content)}`);
      if (key !== "rowid") list.push(`content_rowid='${key}'`);
    }
    if (mode === "none") list.push(this.#sql.pick(["content=''", 'content = ""']));
    if (r.chance(0.3)) list.push(`prefix='2 3'`);
    // Versions of FTS5 differ in what trigrams they find in text that is no UTF-8: 3.40 finds none.
    const trigram = r.chance(0.1);
    if (trigram) list.push("tokenize='trigram'");
    else if (r.chance(0.2)) {
      list.push(this.#sql.pick(["tokenize=porter", `tokenize = "unicode61 remove_diacritics 0"`]));
    }
    if (r.chance(0.2)) list.push(`detail=${this.#sql.pick(["full", "column", "none"])}`);
    if (r.chance(0.2)) list.push("columnsize=0");
    this.#virtualTable(name, this.#sql.pick(["fts5", "FTS5"]), list);
    if (r.chance(0.3)) this.#sql.add(`INSERT INTO ${table}(${table}, rank) VALUES ('pgsz', 100)`);
    if (r.chance(0.3)) {
      this.#sql.add(`INSERT INTO ${table}(${table}, rank) VALUES ('rank', 'bm25(10.0, 5.0)')`);
    }
    if (mode === "own" || mode === "none") {
      for (let i = 0; i < 6; i++) {
        this.#sql.add(
          `INSERT INTO ${table}(rowid, x, "y z") VALUES (${i * 3 + r.below(3)}, ${
            trigram ? `'ein Satz ${i}'` : this.#sql.words()
          }, 'alpha beta${i}')`,
        );
      }
      if (mode === "own" && r.chance(0.5)) this.#sql.add(`DELETE FROM ${table} WHERE rowid = 3`);
    } else {
      this.#sql.add(`INSERT INTO ${table}(${table}) VALUES ('rebuild')`);
    }
    if (mode === "gone") {
      this.#sql.add(`DROP TABLE ${quotedName(source)}`);
      this.#sql.add(`DROP VIEW ${quotedName(source)}`);
    }
    if (r.chance(0.3)) this.#virtualTable(this.#sql.newName(), "fts5vocab", [table, "row"]);
    if (mode !== "own" && r.chance(0.3)) this.#lookalike(`${name}_content`);
  }

  #fts4(): void {
    const r = this.#sql.random;
    const name = this.#sql.newName();
    const table = quotedName(name);
    const module = this.#sql.pick(["fts3", "fts4", "fts4"]);
    const mode = module === "fts3" ? "own" : this.#sql.pick(["own", "outside", "outside", "none"]);
    const language = module === "fts4" && r.chance(0.3);
    const list: string[] = [];
    if (mode === "outside") list.push(`content=${quotedName(this.#contentTable()[0])}`);
    if (mode === "none") list.push('content=""');
    if (language) list.push("languageid=lid");
    if (mode !== "outside" || language || r.chance(0.5)) list.push("x", `"y z"`);
    if (module === "fts4" && r.chance(0.2)) list.push("prefix='2'");
    if (module === "fts4" && r.chance(0.2)) list.push("matchinfo=fts3");
    if (r.chance(0.2)) list.push("tokenize=porter");
    if (module === "fts3" && r.chance(0.5)) this.#lookalike(`${name}_docsize`);
    this.#virtualTable(name, module, list);
    if (r.chance(0.3)) this.#sql.add(`INSERT INTO ${table}(${table}) VALUES ('automerge=5')`);
    if (mode === "outside") {
      this.#sql.add(`INSERT INTO ${table}(${table}) VALUES ('rebuild')`);
      return;
    }
    for (let i = 0; i < 6; i++) {
      const id = i * 3 + r.below(3);
      this.#sql.add(
        language
          ? `INSERT INTO ${table}(docid, x, "y z", lid) VALUES (${id}, ${this.#sql.words()}, 'alpha beta${i}', ${
            i % 3
          })`
          : `INSERT INTO ${table}(docid, x, "y z") VALUES (${id}, ${this.#sql.words()}, 'alpha beta${i}')`,
      );
    }
  }

  /** A table of the user's own with the name of a shadow table. */
  #lookalike(name: string): void {
    if (this.#sql.names.has(name.toLowerCase())) return;
    this.#sql.names.add(name.toLowerCase());
    this.#sql.add(`CREATE TABLE ${quotedName(name)} (own, words)`);
    this.#sql.add(`INSERT INTO ${quotedName(name)} VALUES ('not', 'a shadow')`);
  }

  #rtree(): void {
    const r = this.#sql.random;
    const name = this.#sql.newName();
    const whole = r.chance(0.3);
    const auxiliary = r.chance(0.5);
    this.#virtualTable(name, whole ? "rtree_i32" : "rtree", [
      "id",
      "x0",
      "x1",
      ...(auxiliary ? ["+note"] : []),
    ]);
    // In UTF-16 the sqlite3 program loses a byte order mark behind which nothing else stands.
    const note = () => this.#sql.isWide ? this.#sql.words() : this.#sql.value();
    for (let i = 0; i < 8; i++) {
      const low = whole ? r.below(100) : r.below(1000) / 7;
      this.#sql.add(
        `INSERT INTO ${quotedName(name)} VALUES (${i * 5 - 7}, ${low}, ${low + 3}${
          auxiliary ? `, ${note()}` : ""
        })`,
      );
    }
  }
}
