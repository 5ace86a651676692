import { strict as assert } from "node:assert";
import { readIdentity, writeIdentity } from "../../src/cluster/identity.ts";
import { PeersFileError, readPeersFile } from "../../src/cluster/peers_file.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";

const disk = new DenoDisk();

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("readIdentity() gives what writeIdentity() wrote, and names a damaged file", async () => {
  await inDirectory(async (directory) => {
    assert.equal(await readIdentity(disk, directory), undefined);
    const identity = { version: 1, nodeId: "1", clusterId: "0123456789abcdef" } as const;
    await writeIdentity(disk, directory, identity);
    await writeIdentity(disk, directory, { ...identity, nodeId: "2" });
    assert.deepEqual(await readIdentity(disk, directory), { ...identity, nodeId: "2" });
    await Deno.writeTextFile(`${directory}/node.json`, "{}");
    await assert.rejects(readIdentity(disk, directory), /node\.json is damaged/);
  });
});

Deno.test("readPeersFile() takes rqlite's format", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/peers.json`;
    assert.equal(await readPeersFile(disk, path), undefined);
    await Deno.writeTextFile(
      path,
      '[{"id":"b","address":"h:2","non_voter":true},{"id":"a","address":"h:1"}]',
    );
    assert.deepEqual(await readPeersFile(disk, path), {
      members: [
        { id: "a", address: "h:1", httpAddress: "", suffrage: "voter" },
        { id: "b", address: "h:2", httpAddress: "", suffrage: "learner" },
      ],
    });
  });
});

Deno.test("readPeersFile() says what is wrong with a file", async () => {
  const wrong: [string, RegExp][] = [
    ["{", /is not JSON/],
    ["[]", /array of 1 to/],
    ["[1]", /node 1 needs/],
    ['[{"id":"a","address":"h:1"},{"id":"a","address":"h:2"}]', /names a node twice/],
    ['[{"id":"a","address":"h:1","non_voter":true}]', /names no voter/],
  ];
  await inDirectory(async (directory) => {
    for (const [text, message] of wrong) {
      await Deno.writeTextFile(`${directory}/peers.json`, text);
      await assert.rejects(readPeersFile(disk, `${directory}/peers.json`), (error: Error) => {
        assert(error instanceof PeersFileError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
