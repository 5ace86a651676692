import assert from "node:assert/strict";
import { loadDatabase, type Submit } from "../../src/cluster/load.ts";
import { ServiceError } from "../../src/cluster/types.ts";
import type { Command } from "../../src/store/types.ts";

/** Loads a file of one piece while the entries of one type come to `failure`: what was sent, and told. */
async function loadWith(
  type: Command["type"],
  failure: ServiceError,
): Promise<{ readonly sent: Command["type"][]; readonly told: ServiceError }> {
  const sent: Command["type"][] = [];
  const submit: Submit = (make) => {
    const command = make(undefined);
    sent.push(command.type);
    if (command.type === type) return Promise.reject(failure);
    return Promise.resolve({ results: "", raftIndex: 7, servedBy: undefined });
  };
  const file = ReadableStream.from([new Uint8Array(10)]);
  const prepared = () => Promise.resolve();
  try {
    await loadDatabase(file, { submit, submitLast: submit, prepared });
  } catch (error) {
    assert(error instanceof ServiceError);
    return { sent, told: error };
  }
  throw new Error("The load has succeeded");
}

const lost = new ServiceError("failed", "The write was carried out, but its result has been lost");
const unknown = new ServiceError("unknown_outcome", "Outcome unknown: not confirmed in time");

for (const failure of [lost, unknown]) {
  Deno.test(`A load of which nobody knows whether a piece has arrived has changed nothing, and says so (${failure.kind})`, async () => {
    const { sent, told } = await loadWith("load_chunk", failure);
    assert.deepEqual(sent, ["load_chunk", "load_abort"]);
    assert.equal(told.kind, "unavailable");
    assert.match(told.message, /^Load failed, nothing was changed: .*send it again/);
  });
}

Deno.test("A load whose last answer is lost may have been refused, and says so", async () => {
  const { sent, told } = await loadWith("load_commit", lost);
  assert.deepEqual(sent, ["load_chunk", "load_commit", "load_abort"]);
  assert.equal(told.kind, "unknown_outcome");
  assert.match(told.message, /^Outcome unknown: the file is the database now, or was refused/);
});
