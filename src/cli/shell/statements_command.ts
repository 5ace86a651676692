import { toValue } from "./answer.ts";
import type { DotCommand } from "./dot_commands.ts";
import { isObject, parseExact } from "./exact_json.ts";
import { ShellError } from "./shell_error.ts";

/** As /debug/statements names them; the text last, which may be long. */
const columns = ["calls", "failures", "rows", "total_ms", "mean_ms", "p99_ms", "max_ms", "sql"];

/** Shows which statements take the node's time. */
export const statementsCommand: DotCommand = {
  usage: "[N]",
  help: "Show the N statements (default 20) that took the connected node most time in all",
  async run(session, argument, signal) {
    if (!/^(?:[1-9]\d{0,8})?$/.test(argument)) {
      throw new ShellError(`Invalid number of statements: ${argument}`);
    }
    const parameters = { limit: argument || "20" };
    const call = { method: "GET", path: "debug/statements", parameters, repeatable: true } as const;
    const answer = parseExact(await session.client.text(call, signal));
    const statements: unknown[] = isObject(answer) && Array.isArray(answer.statements)
      ? answer.statements
      : [];
    const rows = statements.filter(isObject)
      .map((statement) => columns.map((column) => toValue(statement[column])));
    await session.show({ type: "table", table: { columns, rows }, time: 0 }, signal);
  },
};
