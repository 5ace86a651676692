import { isObject } from "./exact_json.ts";

/** JSON as lines of `name: value`, sorted, what lies deeper indented; null is left out. */
export function reportText(value: unknown, indent = ""): string {
  if (!isObject(value)) return `${indent}${plain(value)}\n`;
  const lines = Object.keys(value).sort().map((name) => {
    const member = value[name];
    if (member === null || member === undefined) return "";
    const isDeep = isObject(member) || Array.isArray(member) && member.some(isObject);
    if (!isDeep) return `${indent}${name}: ${plain(member)}\n`;
    return `${indent}${name}:\n${deeper(member, `${indent}  `)}`;
  });
  return lines.join("");
}

function deeper(value: unknown, indent: string): string {
  if (!Array.isArray(value)) return reportText(value, indent);
  return value.map((element) => {
    const text = reportText(element, `${indent}  `);
    return `${indent}- ${text.slice(indent.length + 2)}`;
  }).join("");
}

function plain(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(plain).join(" ")}]` : String(value);
}
