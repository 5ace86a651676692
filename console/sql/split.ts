import { StatementSplitter } from "../../src/cli/shell/statement_splitter.ts";

/** The statements of a text, as the shell would cut it. */
export function splitStatements(text: string): string[] {
  const splitter = new StatementSplitter();
  const statements = text.split("\n").flatMap((line) => splitter.push(line));
  const rest = splitter.takeRest();
  return rest === undefined ? statements : [...statements, rest];
}

const token =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?\*\/|\?\d*|[:@$][A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[\w$\u0080-\uffff]+|[^]/g;

/** Parameters of a statement: the names of named ones, as they stand there, and how many others. */
export interface Parameters {
  readonly named: readonly string[];
  readonly positions: number;
}

export function parametersOf(sql: string): Parameters {
  const named = new Set<string>();
  let positions = 0;
  for (const [text] of sql.matchAll(token)) {
    if (/^[:@$]\w/.test(text)) named.add(text);
    else if (text === "?") positions++;
    else if (/^\?\d+$/.test(text)) {
      positions = Math.max(positions, Number(text.slice(1)));
    }
  }
  return { named: [...named], positions };
}
