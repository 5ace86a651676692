/** Action codes of https://www.sqlite.org/c3ref/c_alter_table.html that a policy decides on. */
export const Action = {
  createIndex: 1,
  createTable: 2,
  createTempIndex: 3,
  createTempTable: 4,
  createTempTrigger: 5,
  createTempView: 6,
  createTrigger: 7,
  createView: 8,
  delete: 9,
  dropIndex: 10,
  dropTable: 11,
  dropTempIndex: 12,
  dropTempTable: 13,
  dropTempTrigger: 14,
  dropTempView: 15,
  dropTrigger: 16,
  dropView: 17,
  insert: 18,
  pragma: 19,
  read: 20,
  select: 21,
  transaction: 22,
  update: 23,
  attach: 24,
  detach: 25,
  alterTable: 26,
  reindex: 27,
  analyze: 28,
  createVirtualTable: 29,
  dropVirtualTable: 30,
  function: 31,
  savepoint: 32,
  recursive: 33,
} as const;

/** What SQLite says to an action, such as its table or its operation; "" where it says nothing. */
export function told(text: string | null): string {
  return text ?? "";
}
