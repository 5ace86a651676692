import assert from "node:assert/strict";
import { ByteWriter } from "../../src/base/bytes.ts";
import {
  decodeTasks,
  encodeStatements,
  encodeTasks,
  readInspections,
  type ReadTask,
  writeInspection,
} from "../../src/store/read/read_task.ts";
import { EncodedStatements } from "../../src/store/types.ts";
import { plain } from "./fixture.ts";

const statements = encodeStatements([{ sql: "SELECT ?", positional: [1] }, { sql: "SELECT 2" }]);

const task: ReadTask = {
  ...{ task: 1, transaction: false, inspect: false, live: false },
  ...{ format: plain, rights: undefined, statements },
};

Deno.test("decodeTasks gives back what encodeTasks was given", () => {
  const tasks: ReadTask[] = [
    task,
    { ...task, task: 0x7fff_ffff, transaction: true, rights: '{"read":["*"]}' },
    { ...task, task: 3, inspect: true, statements: new Uint8Array(0) },
    { ...task, task: 4, live: true, rights: "", format: { ...plain, associative: true } },
  ];
  assert.deepEqual(decodeTasks(encodeTasks(tasks)), tasks);
});

Deno.test("encodeTasks gives bytes that are alone in their buffer, which is handed to a thread as a whole", () => {
  for (const rights of [undefined, "", "r".repeat(500)]) {
    const bytes = encodeTasks([{ ...task, rights }]);
    assert.equal(bytes.buffer.byteLength, bytes.length, `${rights?.length}`);
  }
});

Deno.test("encodeStatements hands over those of a large request as they are", () => {
  const bytes = new Uint8Array(3);
  assert.equal(encodeStatements(new EncodedStatements(bytes, 1)), bytes);
});

Deno.test("readInspections gives back what writeInspection was given, with a turn of the event loop among many", async () => {
  const results = Array.from(
    { length: 20_000 },
    (_, i) => i % 3 === 2 ? `error ${i}` : i % 3 === 0,
  );
  const writer = new ByteWriter();
  for (const result of results) writeInspection(writer, result);
  let turns = 0;
  const nextTurn = () => Promise.resolve(void turns++);
  assert.deepEqual(await readInspections(writer.view(), nextTurn), results);
  assert.equal(turns, 1);
});
