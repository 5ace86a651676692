import { strict as assert } from "node:assert";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { writeIdentity } from "../../src/member/identity.ts";
import type { MemberConfiguration } from "../../src/member/configuration.ts";
import type { Surroundings } from "../../src/member/member_parts.ts";
import { RepairNote } from "../../src/member/repair_note.ts";
import { openFiles } from "../../src/member/repairing.ts";
import { LogDamageError } from "../../src/raft_log/types.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const logger = { log: () => {} };

/** A node of a cluster whose log is damaged when it is first opened, and that ends at its second. */
function nodeIn(dataDirectory: string) {
  const connects: string[] = [];
  let opened = 0;
  const configuration = {
    dataDirectory,
    nodeId: "n1",
    advertisedAddress: "n1:4002",
    database: { repairs: true },
    cluster: { join: ["n2:4002", "n3:4002"], joinAttempts: 1, joinIntervalMs: 1 },
  } as unknown as MemberConfiguration;
  const surroundings = {
    clock: new SimulatedClock(),
    disk: new DenoDisk(),
    logger,
    network: {
      connect: (address: string) => {
        connects.push(address);
        return Promise.resolve({ close: () => {} });
      },
    },
    openers: {
      engine: {
        open: () => {
          const damage = new LogDamageError(`${dataDirectory}/raft/1`, 40, "The log is damaged");
          return Promise.reject(++opened === 1 ? damage : new Error("opened again"));
        },
      },
    },
  } as unknown as Surroundings;
  const note = new RepairNote(surroundings.disk, dataDirectory, logger);
  const open = async () => {
    await using cleanUp = new AsyncDisposableStack();
    await openFiles({ configuration, surroundings, note }, cleanUp);
  };
  return { connects, note, open, disk: surroundings.disk };
}

const identity = {
  version: 2,
  nodeId: "n1",
  incarnation: "01234567",
  clusterId: "0123456789abcdef",
} as const;

Deno.test("a start that finds damage asks once who could make up for it", () =>
  withDirectory(async (directory) => {
    const { connects, note, open, disk } = nodeIn(directory);
    await writeIdentity(disk, directory, identity);
    await assert.rejects(open(), /opened again/);
    assert.deepEqual(connects.sort(), ["n2:4002", "n3:4002"]);
    assert.equal((await note.read())?.moved, true);
  }));

Deno.test("a start that finds damage noted asks who could make up for it before it is moved", () =>
  withDirectory(async (directory) => {
    const { connects, note, open, disk } = nodeIn(directory);
    await writeIdentity(disk, directory, identity);
    await note.write({ part: "log", reason: "it has ended the node", moved: false });
    await assert.rejects(open(), /opened again/);
    // Once for what was noted, and once for what was found then, behind it.
    assert.equal(connects.length, 4);
  }));

Deno.test("a start that fails says why, whatever fails as its files are closed", () =>
  withDirectory(async (directory) => {
    const warnings: string[] = [];
    const surroundings = {
      clock: new SimulatedClock(),
      disk: new DenoDisk(),
      logger: { log: (_level: string, _room: string, text: string) => warnings.push(text) },
      openers: {
        engine: {
          open: () =>
            Promise.resolve({
              store: {
                applied: { index: 0, term: 0 },
                close: () => Promise.reject(new Error("The disk is gone")),
              },
              profile: { version: "3" },
              libraryPath: "sqlite",
            }),
        },
        logs: { exists: () => Promise.reject(new Error("The log takes no more writes")) },
      },
    } as unknown as Surroundings;
    const configuration = {
      dataDirectory: directory,
      nodeId: "n1",
      database: { repairs: true },
    } as unknown as MemberConfiguration;
    await writeIdentity(surroundings.disk, directory, identity);
    const note = new RepairNote(surroundings.disk, directory, logger);
    await using cleanUp = new AsyncDisposableStack();
    const opening = openFiles({ configuration, surroundings, note }, cleanUp);
    await assert.rejects(opening, /^Error: The log takes no more writes$/);
    assert.deepEqual(warnings.at(-1), "After a failed start: The disk is gone");
  }));
