/**
 * How object-relational mappers rebuild a table that others refer to: SQLite cannot change a column
 * in place. Written down here in the shape in which each tool sends it, and compared on 2026-11-29
 * with what Drizzle Kit 0.31.11 generates, Django 5.2.19's schema editor sends and collects, and
 * Alembic 1.20.1's batch_alter_table sends and writes with --sql. Prisma's is from its
 * documentation: its engine comes from no package registry.
 */
export interface Recipe {
  readonly tool: string;
  readonly statements: readonly string[];
}

/** Two tables as the tools make them; a child goes with its parent. */
export const schema = [
  "CREATE TABLE authors (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL)",
  "CREATE TABLE books (id INTEGER PRIMARY KEY NOT NULL, author_id INTEGER NOT NULL REFERENCES authors (id) ON DELETE CASCADE)",
  "CREATE INDEX books_author ON books (author_id)",
  "INSERT INTO authors VALUES (1, 'one'), (2, 'two')",
  "INSERT INTO books VALUES (10, 1), (11, 1), (20, 2)",
];

const drizzle = [
  "PRAGMA foreign_keys=OFF;",
  "CREATE TABLE `__new_authors` (\n\t`id` integer PRIMARY KEY NOT NULL,\n\t`name` text\n);\n",
  'INSERT INTO `__new_authors`("id", "name") SELECT "id", "name" FROM `authors`;',
  "DROP TABLE `authors`;",
  "ALTER TABLE `__new_authors` RENAME TO `authors`;",
  "PRAGMA foreign_keys=ON;",
];

const prisma = [
  "-- RedefineTables\nPRAGMA defer_foreign_keys=ON;",
  "PRAGMA foreign_keys=OFF;",
  'CREATE TABLE "new_authors" (\n    "id" INTEGER NOT NULL PRIMARY KEY,\n    "name" TEXT\n);',
  'INSERT INTO "new_authors" ("id", "name") SELECT "id", "name" FROM "authors";',
  'DROP TABLE "authors";',
  'ALTER TABLE "new_authors" RENAME TO "authors";',
  "PRAGMA foreign_keys=ON;",
  "PRAGMA defer_foreign_keys=OFF;",
];

const djangoRebuild = [
  'CREATE TABLE "new__authors" ("id" integer NOT NULL PRIMARY KEY, "name" text NULL)',
  'INSERT INTO "new__authors" ("id", "name") SELECT "id", "name" FROM "authors"',
  'DROP TABLE "authors"',
  'ALTER TABLE "new__authors" RENAME TO "authors"',
];

const django = [
  "PRAGMA foreign_keys = OFF",
  "PRAGMA foreign_keys",
  "BEGIN",
  ...djangoRebuild,
  "PRAGMA foreign_key_check",
  "COMMIT",
  "PRAGMA foreign_keys = ON",
];

const alembicRebuild = [
  "CREATE TABLE _alembic_tmp_authors (\n\tid INTEGER NOT NULL, \n\tname TEXT, \n\tPRIMARY KEY (id)\n)",
  "INSERT INTO _alembic_tmp_authors (id, name) SELECT authors.id, authors.name \nFROM authors",
  "DROP TABLE authors",
  "ALTER TABLE _alembic_tmp_authors RENAME TO authors",
];

/** Each with its own BEGIN, if it has one. */
export const recipes: readonly Recipe[] = [
  { tool: "Drizzle", statements: drizzle },
  { tool: "Prisma", statements: prisma },
  { tool: "Django", statements: django },
  {
    tool: "Alembic",
    statements: ["PRAGMA foreign_keys=OFF", ...alembicRebuild, "PRAGMA foreign_keys=ON"],
  },
  {
    // Its migration says op.execute("PRAGMA foreign_keys=OFF"), which SQLite passes over behind BEGIN.
    tool: "Alembic --sql",
    statements: [
      "BEGIN",
      "PRAGMA foreign_keys=OFF",
      ...alembicRebuild,
      "PRAGMA foreign_keys=ON",
      "COMMIT",
    ],
  },
];

/** A recipe without the statements by which it bounds a transaction itself. */
export function withoutTransaction(statements: readonly string[]): readonly string[] {
  return statements.filter((sql) => sql !== "BEGIN" && sql !== "COMMIT");
}
