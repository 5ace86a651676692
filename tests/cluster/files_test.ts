import { strict as assert } from "node:assert";
import { withDirectory } from "../directory.ts";
import {
  type Identity,
  mendIdentity,
  readIdentity,
  writeIdentity,
} from "../../src/member/identity.ts";
import { PeersFileError, readPeersFile, survivors } from "../../src/member/peers_file.ts";
import { DenoDisk } from "../../src/io/deno_disk.ts";

const disk = new DenoDisk();

const identity: Identity = {
  version: 2,
  nodeId: "1",
  incarnation: "01234567",
  clusterId: "",
};
const member: Identity = { ...identity, clusterId: "0123456789abcdef" };

Deno.test("readIdentity() gives what writeIdentity() wrote, and names a damaged file", async () => {
  await withDirectory(async (directory) => {
    assert.equal(await readIdentity(disk, directory), undefined);
    await writeIdentity(disk, directory, identity);
    assert.deepEqual(await readIdentity(disk, directory), identity);
    await writeIdentity(disk, directory, member);
    assert.deepEqual(await readIdentity(disk, directory), member);
    for (const name of ["node.json", "node.json.copy"]) {
      await Deno.writeTextFile(`${directory}/${name}`, "{}");
    }
    await assert.rejects(readIdentity(disk, directory), /node\.json is damaged/);
  });
});

Deno.test("a node is who it was whatever becomes of one of the two files that say so, and both are mended", async () => {
  await withDirectory(async (directory) => {
    await writeIdentity(disk, directory, identity);
    const paths = ["node.json", "node.json.copy"].map((name) => `${directory}/${name}`);
    const earlier = await Deno.readFile(paths[0] ?? "");
    await writeIdentity(disk, directory, member);
    const whole = await Deno.readFile(paths[0] ?? "");
    const messages: string[] = [];
    const logger = { log: (_level: string, _room: string, text: string) => messages.push(text) };
    const spoilt = [earlier, new Uint8Array(), new Uint8Array(whole.length), whole.slice(0, 40)];
    const flipped = Array.from(whole, (byte, at) => whole.with(at, byte ^ (1 << (at & 7))));
    for (const path of paths) {
      for (const bytes of [...flipped, ...spoilt]) {
        await Deno.writeFile(path, bytes);
        const found = await readIdentity(disk, directory);
        assert.deepEqual(found, member, new TextDecoder().decode(bytes));
      }
      for (const bytes of [...flipped.slice(0, 3), ...spoilt]) {
        await Deno.writeFile(path, bytes);
        await mendIdentity(disk, directory, logger);
        for (const each of paths) assert.deepEqual(await Deno.readFile(each), whole);
      }
    }
    assert.equal(messages.length, 2 * (3 + spoilt.length));
    assert.match(messages[0] ?? "", /node\.json is damaged: its copy, node\.json\.copy, says who/);
    assert.match(messages.at(-1) ?? "", /node\.json and its copy, .* are not the same/);
  });
});

Deno.test("a file of an earlier release, without a sum, counts and is given a copy", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/node.json`;
    // Left from before a release was taken back, which then made another server of the node.
    await writeIdentity(disk, directory, { ...member, incarnation: "89abcdef" });
    await Deno.writeTextFile(path, JSON.stringify(member));
    const logger = { log: (_level: string, _room: string, text: string) => assert.fail(text) };
    for (let start = 0; start < 2; start++) {
      assert.deepEqual(await readIdentity(disk, directory), member);
      await mendIdentity(disk, directory, logger);
    }
    await Deno.writeTextFile(path, "{}");
    assert.deepEqual(await readIdentity(disk, directory), member);
  });
});

Deno.test("a node whose files say who it is starts where they cannot be written anew", async () => {
  await withDirectory(async (directory) => {
    await writeIdentity(disk, directory, member);
    await Deno.writeTextFile(`${directory}/node.json`, "{}");
    await Deno.mkdir(`${directory}/node.json.copy.tmp`);
    const messages: string[] = [];
    const logger = { log: (_level: string, _room: string, text: string) => messages.push(text) };
    await mendIdentity(disk, directory, logger);
    assert.match(messages.join(), /node\.json is damaged: .*, and cannot be written anew: /);
    assert.deepEqual(await readIdentity(disk, directory), member);
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
