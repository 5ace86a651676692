import { momentForm, momentOf, type Point } from "../../backup/archive/moment.ts";
import { type ExtensionFlags, extensionsOf } from "../extension_flags.ts";
import { FlagError } from "../flag_error.ts";
import { parseOptionsAndNames } from "../command_options.ts";

/** What raftlite restore is asked to do. */
export type RestoreRequest =
  | { readonly type: "help" }
  | { readonly type: "list" | "verify"; readonly from: string }
  | {
    readonly type: "restore";
    readonly from: string;
    readonly point: Point;
    readonly output: string;
    readonly extensions: ExtensionFlags;
  };

/** The flags of raftlite restore, as parseArgs takes them. */
export const restoreOptions = {
  from: { type: "string" },
  at: { type: "string" },
  index: { type: "string" },
  list: { type: "boolean" },
  verify: { type: "boolean" },
  "extensions-path": { type: "string" },
  "extensions-safe": { type: "string" },
  help: { type: "boolean" },
} as const;

/** Throws a FlagError. */
export function parseRestore(args: readonly string[]): RestoreRequest {
  const { values, positionals } = parseOptionsAndNames(args, restoreOptions);
  if (values.help) return { type: "help" };
  const { from = "", at, index, list = false, verify = false } = values;
  if (from === "") throw new FlagError(2, "restore needs -from with the archive");
  if (list || verify) {
    if (positionals.length > 0 || at !== undefined || index !== undefined) {
      throw new FlagError(2, "-list and -verify take nothing but -from");
    }
    return { type: verify ? "verify" : "list", from };
  }
  const [output, ...others] = positionals;
  if (output === undefined || others.length > 0) {
    throw new FlagError(2, "restore takes the name of the one file that it is to make");
  }
  const extensions = extensionsOf({
    "extensions-path": values["extensions-path"] ?? "",
    "extensions-safe": values["extensions-safe"] ?? "",
  });
  return { type: "restore", from, point: pointOf(at, index), output, extensions };
}

function pointOf(at: string | undefined, index: string | undefined): Point {
  if (at !== undefined && index !== undefined) {
    throw new FlagError(2, "-at and -index exclude each other");
  }
  if (index !== undefined) {
    if (!/^[1-9]\d{0,15}$/.test(index)) {
      throw new FlagError(2, `Invalid value ${JSON.stringify(index)} for flag -index`);
    }
    return { type: "index", index: Number(index) };
  }
  if (at === undefined) return { type: "newest" };
  const time = momentOf(at);
  if (time === undefined) {
    throw new FlagError(
      2,
      `Invalid value ${JSON.stringify(at)} for flag -at: write it as ${momentForm}`,
    );
  }
  return { type: "time", time };
}
