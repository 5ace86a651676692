import { strict as assert } from "node:assert";
import { withDirectory } from "../directory.ts";
import { readIdentity, writeIdentity } from "../../src/member/identity.ts";
import { PeersFileError, readPeersFile, survivors } from "../../src/member/peers_file.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";

const disk = new DenoDisk();

Deno.test("readIdentity() gives what writeIdentity() wrote, and names a damaged file", async () => {
  await withDirectory(async (directory) => {
    assert.equal(await readIdentity(disk, directory), undefined);
    const identity = {
      version: 2,
      nodeId: "1",
      incarnation: "01234567",
      clusterId: "",
    } as const;
    await writeIdentity(disk, directory, identity);
    const member = { ...identity, clusterId: "0123456789abcdef" };
    assert.deepEqual(await readIdentity(disk, directory), identity);
    await writeIdentity(disk, directory, member);
    assert.deepEqual(await readIdentity(disk, directory), member);
    await Deno.writeTextFile(`${directory}/node.json`, "{}");
    await assert.rejects(readIdentity(disk, directory), /node\.json is damaged/);
  });
});

Deno.test("readPeersFile() takes rqlite's format", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/peers.json`;
    assert.equal(await readPeersFile(disk, path), undefined);
    await Deno.writeTextFile(
      path,
      '[{"id":"b","address":"h:2","non_voter":true},{"id":"a","address":"h:1"}]',
    );
    assert.deepEqual(await readPeersFile(disk, path), [
      { id: "b", address: "h:2", nonVoter: true },
      { id: "a", address: "h:1", nonVoter: false },
    ]);
  });
});

Deno.test("survivors() names the servers that the log last knew by these names", () => {
  const configuration = (...ids: string[]) => ({
    members: ids.map((id) => ({ id, address: "", httpAddress: "", suffrage: "voter" } as const)),
  });
  const configurations = [
    configuration("a/00000001", "b/00000001", "c/00000001"),
    configuration("a/00000001", "b/00000002"),
  ];
  const peer = (id: string, nonVoter: boolean) => ({ id, address: `${id}:1`, nonVoter });
  const named = survivors([peer("c", true), peer("b", false)], configurations, "a/00000001");
  assert.deepEqual(named, {
    members: [
      { id: "b/00000002", address: "b:1", httpAddress: "", suffrage: "voter" },
      { id: "c/00000001", address: "c:1", httpAddress: "", suffrage: "learner" },
    ],
  });
  assert.throws(
    () => survivors([peer("d", false)], configurations, "a/00000001"),
    /node d, of which this node's log knows nothing \(it knows a, b, c\)/,
  );
});

Deno.test("readPeersFile() says what is wrong with a file", async () => {
  const wrong: [string, RegExp][] = [
    ["{", /is not JSON/],
    ["[]", /array of 1 to/],
    ["[1]", /node 1 needs/],
    ['[{"id":"a","address":"h:1"},{"id":"a","address":"h:2"}]', /names a node twice/],
    ['[{"id":"a","address":"h:1","non_voter":true}]', /names no voter/],
  ];
  await withDirectory(async (directory) => {
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
