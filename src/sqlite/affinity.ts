/** What a column makes of what is stored in it, and how it is told from its declared type. */
export type Affinity = "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC";

/** By the rules, in their order, of https://www.sqlite.org/datatype3.html#determination_of_column_affinity */
export function affinityOf(declaredType: string): Affinity {
  if (/INT/i.test(declaredType)) return "INTEGER";
  if (/CHAR|CLOB|TEXT/i.test(declaredType)) return "TEXT";
  if (declaredType === "" || /BLOB/i.test(declaredType)) return "BLOB";
  return /REAL|FLOA|DOUB/i.test(declaredType) ? "REAL" : "NUMERIC";
}
