import type { SqlValue } from "../../store/types.ts";
import type { HranaError } from "./errors.ts";
import type { StatementText } from "./statement_text.ts";
import type { HranaStatement } from "./types.ts";

/** What a statement's parameters are, by number; or why its arguments do not fit them exactly. */
export function bound(
  { parameters }: StatementText,
  { args, namedArgs }: HranaStatement,
): { readonly values: readonly SqlValue[] } | { readonly error: HranaError } {
  if (args.length > 0 && namedArgs.length > 0) {
    return {
      error: {
        message: "Arguments are by position or by name, not both",
        code: "ARGS_BOTH_POSITIONAL_AND_NAMED",
      },
    };
  }
  const given = args.length + namedArgs.length;
  if (given > parameters.length) {
    return misfit(`too many: ${given}, where there are ${parameters.length} parameters`);
  }
  const named = new Map(namedArgs.map(({ name, value }) => [name, value]));
  const values: SqlValue[] = [];
  for (const [i, name] of parameters.entries()) {
    const value = name === null || name.startsWith("?")
      ? args[i]
      : named.get(name) ?? named.get(name.slice(1));
    const isNull = name !== null && (named.has(name) || named.has(name.slice(1)));
    if (value === undefined && !isNull) {
      return misfit(`value for parameter ${name ?? i + 1} not found`);
    }
    values.push(value ?? null);
  }
  // Each name is looked up once: there may be tens of thousands.
  const names = new Set(namedArgs.length === 0 ? [] : parameters);
  const stray = namedArgs.find(({ name }) =>
    !names.has(name) && ![":", "@", "$", "?"].some((sign) => names.has(sign + name))
  );
  if (stray !== undefined) return misfit(`there is no parameter ${stray.name}`);
  return { values };
}

function misfit(why: string): { readonly error: HranaError } {
  return {
    error: { message: `Arguments do not match SQL parameters: ${why}`, code: "ARGS_INVALID" },
  };
}
