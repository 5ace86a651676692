import assert from "node:assert/strict";
import { StatementSplitter } from "../../src/cli/shell/statement_splitter.ts";

function split(...lines: string[]): { statements: string[]; rest: string | undefined } {
  const splitter = new StatementSplitter();
  const statements = lines.flatMap((line) => splitter.push(line));
  return { statements, rest: splitter.takeRest() };
}

Deno.test("StatementSplitter ends a statement at its semicolon, wherever the lines end", () => {
  assert.deepEqual(split("SELECT 1; SELECT", " 2 ;;", "SELECT 3"), {
    statements: ["SELECT 1;", "SELECT\n 2 ;"],
    rest: "SELECT 3",
  });
});

Deno.test("StatementSplitter passes over semicolons in quotes and comments", () => {
  const cases = [
    ["SELECT 'a;''b';"],
    ["SELECT 'a;", "b';"],
    ['SELECT ";", `;`, [;];'],
    ["SELECT 1 -- ; '", ";"],
    ["SELECT /* ;", "' ; */ 1;"],
    ["SELECT '--', '/*';"],
    ["SELECT 1 - -1 / 2 * 3;"],
  ];
  for (const lines of cases) {
    assert.deepEqual(split(...lines), { statements: [lines.join("\n")], rest: undefined });
  }
});

Deno.test("StatementSplitter keeps the body of a trigger together", () => {
  const trigger = [
    "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN",
    "  INSERT INTO u VALUES(1); SELECT CASE WHEN 1 THEN 2 END;",
    "END;",
  ];
  assert.deepEqual(split(...trigger, "SELECT 1;"), {
    statements: [trigger.join("\n"), "SELECT 1;"],
    rest: undefined,
  });
  const explained = "EXPLAIN QUERY PLAN CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END;";
  assert.deepEqual(split(explained).statements, [explained]);
  assert.deepEqual(split("CREATE TABLE trigger_log(a); SELECT 1;").statements.length, 2);
});

Deno.test("StatementSplitter takes blanks and comments alone for nothing", () => {
  assert.deepEqual(split("", "  ;", "-- a;", "/* b", "; */", ";"), {
    statements: [],
    rest: undefined,
  });
});

Deno.test("StatementSplitter.couldEnd is false inside of quotes, parentheses and triggers", () => {
  const couldEnd = (...lines: string[]) => {
    const splitter = new StatementSplitter();
    for (const line of lines) splitter.push(line);
    return splitter.couldEnd;
  };
  assert.equal(couldEnd("SELECT 1"), true);
  assert.equal(couldEnd("SELECT (1", ")"), true);
  for (const open of ["", "SELECT 'a", "SELECT (1", "/* x", "CREATE TRIGGER t BEGIN SELECT 1;"]) {
    assert.equal(couldEnd(open), false, open);
  }
});
