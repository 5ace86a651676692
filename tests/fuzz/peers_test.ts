import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { checksum } from "../../src/base/checksum.ts";
import * as members from "../../src/cluster/member_wire.ts";
import { encodeTransactionCall, encodeTurn } from "../../src/cluster/transactions/wire.ts";
import * as wire from "../../src/cluster/wire.ts";
import { encodeSnapshotHeader } from "../../src/node/snapshot_header.ts";
import { snapshotStream } from "../../src/node/types.ts";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { serverId } from "../../src/raft/types.ts";
import type { Member } from "../../src/raft/types.ts";
import { encodeCommand } from "../../src/store/codec/command_codec.ts";
import { encodeStep } from "../../src/store/codec/script_codec.ts";
import { stampCommand } from "../../src/store/codec/stamp.ts";
import { FrameType, writeFrame } from "../../src/transport/frame.ts";
import { decodeHello } from "../../src/transport/handshake.ts";
import { Cluster, eventually, type NodeProcess } from "../cluster/harness.ts";
import { plain, TestStore } from "../store/fixture.ts";
import { RawPeer } from "../transport/fixture.ts";
import { damage, damaged, seed, test } from "./damage.ts";
import { encode, messages } from "./messages.ts";

/** Anybody on the Raft port, who has found out what the node says of itself. */
const stranger = serverId("stranger", "0000000f");
const writing = encodeCommand({
  type: "execute",
  statements: [{ sql: "INSERT INTO t VALUES (?)", positional: ["from a peer"] }],
  transaction: false,
  unified: false,
  timeoutMs: 0,
  request: { origin: 7n, sequence: 1, floor: 1 },
});
const member: Member = {
  id: stranger,
  address: "127.0.0.1:1",
  httpAddress: "127.0.0.1:2",
  suffrage: "voter",
};

/** A cluster of one that must stay up, and a member's way to speak to it. */
class Target implements AsyncDisposable {
  readonly node: NodeProcess;
  readonly #cluster: Cluster;
  #id = "";
  #clusterId = "";
  #agreement = new Uint8Array();

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    const [node] = cluster.nodes;
    assert(node);
    this.node = node;
  }

  static async start(): Promise<Target> {
    const target = new Target(await Cluster.start({ size: 1 }));
    const { node } = target;
    await node.execute(["CREATE TABLE t (v)"]);
    using peer = await RawPeer.introduced(node.raftAddress, {
      clusterId: "",
      version: newestVersion,
    });
    const answer = await peer.opening();
    assert.equal(answer?.type, FrameType.hello);
    const hello = decodeHello(answer.body, newestVersion);
    target.#id = hello.nodeId;
    target.#clusterId = hello.clusterId;
    target.#agreement = hello.agreement.slice();
    return target;
  }

  /** What the node says of its SQLite. */
  get agreement(): Uint8Array {
    return this.#agreement;
  }

  get id(): string {
    return this.#id;
  }

  async connect(purpose: "messages" | "stream"): Promise<RawPeer> {
    const peer = await RawPeer.introduced(this.node.raftAddress, {
      clusterId: this.#clusterId,
      nodeId: stranger,
      purpose,
      agreement: this.#agreement,
      version: newestVersion,
    });
    assert.equal((await peer.opening())?.type, FrameType.hello, "the node lets it in");
    return peer;
  }

  /** Sends frames over one connection after the other, for as long as each is kept. */
  async frames(frames: readonly Uint8Array[]): Promise<void> {
    for (let next = 0; next < frames.length;) {
      using peer = await this.connect("messages");
      try {
        // As many as are taken before one is no frame at all, and closes it.
        for (const end = Math.min(frames.length, next + 20); next < end; next++) {
          await peer.connection.write(frames[next] ?? new Uint8Array());
        }
        const ping = new ByteWriter();
        writeFrame(ping, FrameType.ping);
        await peer.connection.write(ping.view());
        while (await peer.frame().then((frame) => frame && frame.type !== FrameType.pong));
      } catch {
        // It was closed: the next ones go over another.
      }
    }
  }

  /** The node's program runs, as the one that was started, and serves; also after a start anew. */
  async isWell(): Promise<void> {
    for (const again of [false, true]) {
      assert(this.node.running, this.node.log);
      if (again) {
        await this.node.kill("SIGKILL");
        this.node.start();
      }
      await this.node.ready();
      await eventually("a write", () => this.node.execute(["INSERT INTO t VALUES ('well')"]));
      assert.doesNotMatch(this.node.log, /fatal:/);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

function frame(type: FrameType, write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter();
  write(body);
  const writer = new ByteWriter();
  writeFrame(writer, type, body.view());
  return writer.copy();
}

/** Half of them with damage. */
function perhapsDamaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, fc.option(damage, { nil: undefined }), fc.boolean()).map(
    ([whole, changes, spare]) => changes === undefined || spare ? whole : damaged(whole, changes),
  );
}

function samples<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

test("A node stays up whatever Raft messages a peer sends", async () => {
  await using target = await Target.start();
  const { raft } = (await target.node.status()).store as { raft: Record<string, unknown> };
  const last = Number(raft.last_log_index);
  assert(last > 0);
  const near = fc.integer({ min: 0, max: last + 3 });
  const command = stampCommand(writing, { clock: 1, seed: 1n }, false);
  // The first of a list is a noop, the next a command, the third a configuration, and so on.
  const entries = fc.array(
    perhapsDamaged(fc.constantFrom(command, new Uint8Array())),
    { maxLength: 4 },
  );
  const message = messages({
    from: fc.constant(stranger),
    to: fc.constant(target.id),
    number: fc.oneof(near, near, fc.nat(), fc.maxSafeNat()),
    prev: near,
    entries,
  });
  const frameOf = (body: Uint8Array) => frame(FrameType.message, (writer) => writer.raw(body));
  const envelope = { from: stranger, to: target.id, term: 2 ** 52 };
  await target.frames([frameOf(encode({ ...envelope, type: "timeout_now" }))]);
  await eventually(
    "a line that names the peer and the reason",
    () =>
      /Passed over a timeout_now from stranger at \S+: Term \d+ is out of range/.test(
        target.node.log,
      ),
  );
  await target.frames(samples(perhapsDamaged(message.map(encode)), 1500).map(frameOf));
  await target.isWell();
});

/** What peers ask of the node's open transactions, with steps that may be none. */
async function transactionCalls(node: NodeProcess) {
  const begin = { method: "POST", body: '{"timeout": "60s"}' };
  const answer = await fetch(`${node.url}/db/begin`, begin);
  const { tx } = await answer.json() as { readonly tx: string };
  const step = encodeStep({
    statements: [{ sql: "INSERT INTO t VALUES (?)", positional: ["in a transaction"] }],
    clock: 1,
    seed: 1n,
    atomic: false,
    unified: false,
    readOnly: false,
    timeoutMs: 1000,
    format: plain,
  });
  const of = { id: tx, user: "", rights: undefined, timeoutMs: 1000 };
  const run = fc.tuple(perhapsDamaged(fc.constant(step)), fc.boolean()).map((
    [step, surelyWrites],
  ) => encodeTransactionCall({ ...of, type: "run", step, surelyWrites }));
  const turns = fc.tuple(
    fc.constantFrom("take" as const, "renew" as const, "end" as const),
    fc.maxSafeNat(),
  ).map((
    [operation, ms],
  ) => encodeTurn({ operation, transaction: "a", keptMs: ms, timeoutMs: 10 }));
  const late = wire.encodeWrite({ timeoutMs: 10, format: plain }, "a");
  return [
    [wire.RequestKind.transaction, run],
    [wire.RequestKind.turn, turns],
    [wire.RequestKind.commit, perhapsDamaged(fc.constant(new Uint8Array([...late, ...writing])))],
  ] as const;
}

test("A node stays up whatever requests a peer makes", async () => {
  await using target = await Target.start();
  const join = {
    ...member,
    suffrage: "staging",
    relayed: true,
    timeoutMs: 10,
    sqlite: target.agreement,
  } as const;
  const name = fc.constant(new TextEncoder().encode(""));
  const kinds = [
    [wire.RequestKind.identify, name],
    [
      wire.RequestKind.write,
      perhapsDamaged(fc.constant(writing)).map((command) =>
        new Uint8Array([...wire.encodeWrite({ timeoutMs: 50, format: plain }), ...command])
      ),
    ],
    [wire.RequestKind.barrier, fc.maxSafeNat().map((ms) => wire.encodeBarrier(ms))],
    [wire.RequestKind.join, fc.constant(members.encodeJoin(join))],
    [wire.RequestKind.remove, fc.string().map((text) => members.encodeRemove({ name: text }))],
    [
      wire.RequestKind.stepDown,
      fc.string().map((text) => members.encodeStepDown({ name: text, wait: false })),
    ],
    [wire.RequestKind.notify, fc.constant(members.encodeNotify(member))],
    [
      wire.RequestKind.form,
      fc.constant(members.encodeForm({ phase: "commit", clusterId: "0", to: target.id })),
    ],
    ...await transactionCalls(target.node),
    [99, fc.uint8Array()],
  ] as const;
  let id = 0;
  const requestOf = (kind: number, bytes: Uint8Array) =>
    frame(FrameType.request, (writer) => {
      writer.uint32(++id);
      writer.uint16(kind);
      writer.raw(bytes);
    });
  await target.frames([requestOf(wire.RequestKind.join, new Uint8Array(3))]);
  await eventually(
    "a line that names the peer and the reason",
    () => /Refused a request of kind 4 from stranger at \S+: Cut short/.test(target.node.log),
  );
  const frames = kinds.flatMap(([kind, payload]) =>
    samples(fc.oneof(perhapsDamaged(payload), fc.uint8Array({ maxLength: 60 })), 100)
      .map((bytes) => requestOf(kind, bytes))
  );
  await target.frames(
    samples(fc.shuffledSubarray(frames, { minLength: frames.length }), 1)[0] ?? [],
  );
  // Some have made members of themselves, without a vote.
  await target.isWell();
  const [[written] = []] = await target.node.query("SELECT count(*) FROM t WHERE v <> 'well'");
  assert(Number(written) <= 1, "the one request id was carried out at most once");
});

/** A snapshot stream of which all but the header may be sound. */
function stream(header: Uint8Array, body: readonly Uint8Array[]): Uint8Array[] {
  const length = body.reduce((sum, chunk) => sum + chunk.length, 0);
  const sum = body.reduce((before, chunk) => checksum(chunk, before), 0);
  return [
    frame(FrameType.streamOpen, (writer) => {
      writer.uint16(snapshotStream);
      writer.raw(header);
    }),
    ...body.map((chunk) => frame(FrameType.streamChunk, (writer) => writer.raw(chunk))),
    frame(FrameType.streamEnd, (writer) => {
      writer.integer(length);
      writer.uint32(sum);
    }),
  ];
}

test("A node stays up whatever snapshot a peer sends, and marks none that it does not install", async () => {
  await using target = await Target.start();
  await using other = await TestStore.open();
  for (let i = 0; i < 50; i++) await other.execute(["CREATE TABLE IF NOT EXISTS t (v)"]);
  const snapshot = await other.store.openSnapshot();
  const body = (await Array.fromAsync(snapshot.body)).map((chunk) => chunk.slice());
  await snapshot.close();
  const { position } = snapshot;
  const point = (index: number, term: number) => ({
    index,
    term,
    configuration: { members: [member] },
  });
  const term = 2 ** 30;
  const foreign = encodeSnapshotHeader(term, point(position.index + 1, position.term));
  const header = perhapsDamaged(fc.oneof(
    fc.constant(foreign),
    fc.record({ term: fc.maxSafeNat(), index: fc.maxSafeNat(), of: fc.maxSafeNat() }).map((all) =>
      encodeSnapshotHeader(all.term, point(all.index, all.of))
    ),
    fc.uint8Array({ maxLength: 80 }),
  ));
  const bodies = fc.oneof(
    fc.constant(body),
    fc.constant([]),
    damage.map((
      changes,
    ) => [...body.slice(0, -1), damaged(body.at(-1) ?? new Uint8Array(), changes)]),
  );
  const streams = samples(fc.tuple(header, bodies), 40);
  // First what is no header at all, and a sound state of another cluster behind one not its own.
  const first = [[new Uint8Array(5), body], [foreign, body]] as const;
  for (const [head, rest] of [...first, ...streams]) {
    using peer = await target.connect("stream");
    try {
      for (const bytes of stream(head, rest)) await peer.connection.write(bytes);
      for (let answer = await peer.frame(); answer !== undefined; answer = await peer.frame()) {
        if (answer.type === FrameType.ping) continue;
        assert.equal(answer.type, FrameType.failure);
        break;
      }
    } catch (error) {
      // Closed while it was sent: refused as well.
      if (error instanceof assert.AssertionError) throw error;
    }
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(`${target.node.directory}/raft`)))
        .map(({ name }) => name).filter((name) => name === "installing"),
      [],
    );
  }
  assert.match(
    target.node.log,
    /Snapshot refused: it was announced at index 51 .* and holds index 50 .* from stranger\)/,
  );
  assert.match(target.node.log, /Refused a stream of kind 1 from stranger at \S+: /);
  await target.isWell();
});
