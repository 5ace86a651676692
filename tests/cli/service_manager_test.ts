import { strict as assert } from "node:assert";
import { ServiceManager } from "../../src/cli/service_manager.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { openCLibrary } from "../../src/io/c_library.ts";
import { Cluster, eventually } from "../cluster/harness.ts";
import { withDirectory } from "../directory.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };

/** Whoever started the program and wants to know how it is, as systemd does: a socket of its own. */
class Receiver {
  readonly path: string;
  readonly messages: string[] = [];
  readonly #socket: Deno.DatagramConn;

  constructor(path: string) {
    this.path = path;
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    void this.#receive();
  }

  async #receive(): Promise<void> {
    for await (const [bytes] of this.#socket) this.messages.push(new TextDecoder().decode(bytes));
  }

  count(message: string): number {
    return this.messages.filter((received) => received === message).length;
  }

  async received(message: RegExp | string): Promise<void> {
    const is = (received: string) =>
      typeof message === "string" ? received === message : message.test(received);
    await eventually(
      () => `${message} among ${JSON.stringify(this.messages)}`,
      () => this.messages.some(is),
    );
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

async function withReceiver(body: (receiver: Receiver) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    using receiver = new Receiver(`${directory}/notify`);
    await body(receiver);
  });
}

/** A service manager that notes its log's lines. */
function open(variables: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  const logger = {
    log: (level: string, _: string, message: string) => lines.push(`${level} ${message}`),
  };
  return { lines, manager: ServiceManager.open(variables, { clock: new DenoClock(), logger }) };
}

const c = openCLibrary({ clock_gettime: { parameters: ["i32", "buffer"], result: "i32" } });
// Opened before the tests, which Deno 2.4 does not let leave a library open.
open({ NOTIFY_SOCKET: "/nowhere" });

function monotonicMicroseconds(): bigint {
  assert.ok(c);
  const time = new BigInt64Array(2);
  c.clock_gettime(1, time);
  return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1_000n;
}

Deno.test(
  "a node tells who started it when it is ready, reloads, lives and stops",
  onLinux,
  async () => {
    await withReceiver(async (receiver) => {
      await using cluster = await Cluster.start({ size: 0 });
      const node = cluster.create();
      node.start([], { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: "900000" });
      await receiver.received("READY=1");
      const { status } = await node.fetch("/readyz?noleader");
      assert.equal(status, 200, "It said that it was ready before it answered");
      assert.match(receiver.messages[0] ?? "", /^STATUS=Opening \//);
      await receiver.received("STATUS=Leads the cluster");
      await receiver.received("WATCHDOG=1");

      const before = monotonicMicroseconds();
      Deno.kill(node.pid, "SIGHUP");
      await receiver.received(/^RELOADING=1\n/);
      await eventually("the end of the reload", () => receiver.count("READY=1") === 2);
      const [, time = ""] =
        receiver.messages.join(" ").match(/RELOADING=1\nMONOTONIC_USEC=(\d+)/) ??
          [];
      assert.ok(BigInt(time) >= before && BigInt(time) <= monotonicMicroseconds(), time);

      const { code } = await node.kill("SIGTERM");
      assert.equal(code, 0);
      await receiver.received("STOPPING=1");
      await receiver.received("STATUS=Stopping: SIGTERM");
      const isAlive = receiver.messages.map((message) => message === "WATCHDOG=1");
      assert.ok(isAlive.indexOf(true) > receiver.messages.indexOf("READY=1"));
    });
  },
);

Deno.test(
  "a node that waits for others to form a cluster with is ready, and says for whom",
  onLinux,
  async () => {
    await withReceiver(async (receiver) => {
      await using cluster = await Cluster.start({ size: 0 });
      const node = cluster.create();
      const alone = ["-bootstrap-expect", "3", "-join", node.raftAddress];
      node.start(alone, { NOTIFY_SOCKET: receiver.path });
      await receiver.received("READY=1");
      await receiver.received("STATUS=Waiting for the other nodes of its cluster");
      await node.kill("SIGTERM");
      await receiver.received("STOPPING=1");
      assert.equal(receiver.count("READY=1"), 1);
    });
  },
);

Deno.test("a node that cannot start says why", onLinux, async () => {
  await withReceiver(async (receiver) => {
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create();
    await Deno.writeTextFile(node.directory, "");
    node.start([], { NOTIFY_SOCKET: receiver.path });
    assert.equal((await node.exited()).code, 1);
    await receiver.received(/^STATUS=Data directory .* is a file/);
    assert.equal(receiver.count("READY=1"), 0);
  });
});

Deno.test("a node runs where nobody takes what it tells, and says so once", onLinux, async () => {
  await withDirectory(async (directory) => {
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create();
    node.start([], { NOTIFY_SOCKET: `${directory}/nobody`, WATCHDOG_USEC: "100000" });
    await node.ready();
    await eventually("the warning", () => node.log.includes("Nobody takes messages at"));
    assert.equal((await node.kill("SIGTERM")).code, 0);
    assert.equal(node.log.split("Nobody takes messages at").length, 2, node.log);
  });
});

Deno.test(
  "signs of life cease while the disk does not answer, and begin again",
  onLinux,
  async () => {
    await withReceiver(async (receiver) => {
      const { manager, lines } = open({ NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: "150000" });
      const disk = { diskWaitMs: 0 };
      manager.watchDisk(disk);
      manager.ready();
      await receiver.received("WATCHDOG=1");
      disk.diskWaitMs = 51;
      await eventually("its silence", () => lines.length === 1);
      assert.match(
        lines[0] ?? "",
        /^WARN The disk has not answered for 0 s: the service manager gets/,
      );
      manager.status("after it");
      await receiver.received("STATUS=after it");
      const signs = receiver.count("WATCHDOG=1");
      // It looks at the disk each time, which is how the test knows that a sign was due.
      let looks = 0;
      manager.watchDisk({
        get diskWaitMs() {
          looks++;
          return 51;
        },
      });
      await eventually("signs that are due", () => looks >= 3);
      manager.status("silent");
      await receiver.received("STATUS=silent");
      assert.equal(receiver.count("WATCHDOG=1"), signs);
      manager.watchDisk({ diskWaitMs: 50 });
      await eventually("a sign of life", () => receiver.count("WATCHDOG=1") > signs);
      assert.deepEqual(lines.slice(1), ["WARN The disk answers again"]);
      await manager.end();
    });
  },
);

Deno.test(
  "signs of life are for the process that the watchdog means, where it names one",
  onLinux,
  async () => {
    await withReceiver(async (receiver) => {
      const variables = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: "3000" };
      const other = open({ ...variables, WATCHDOG_PID: "1" }).manager;
      const own = open({ ...variables, WATCHDOG_PID: String(Deno.pid) }).manager;
      other.ready();
      await receiver.received("READY=1");
      await other.end();
      assert.deepEqual(receiver.messages, ["READY=1"]);
      own.ready();
      await receiver.received("WATCHDOG=1");
      await own.end();
    });
  },
);

Deno.test("a status is one line, whatever a node is called", onLinux, async () => {
  await withReceiver(async (receiver) => {
    const { manager } = open({ NOTIFY_SOCKET: receiver.path });
    manager.raftStatus({ role: "follower", term: 1, leader: "a\nMAINPID=1\r" });
    manager.raftStatus({ role: "follower", term: 2, leader: "a\nMAINPID=1\r" });
    manager.raftStatus({ role: "candidate", term: 3, leader: "" });
    await receiver.received("STATUS=No leader is known");
    assert.deepEqual(receiver.messages[0], "STATUS=Follows node a MAINPID=1 ");
    assert.equal(receiver.messages.length, 2);
    await manager.end();
  });
});

Deno.test("a reload before the node is ready does not say that it is", onLinux, async () => {
  await withReceiver(async (receiver) => {
    const { manager } = open({ NOTIFY_SOCKET: receiver.path });
    await manager.reload(() => Promise.resolve());
    manager.ready();
    await receiver.received("READY=1");
    const first = Promise.withResolvers<void>();
    const reloads = [manager.reload(() => first.promise), manager.reload(() => Promise.resolve())];
    await reloads[1];
    first.resolve();
    await reloads[0];
    await manager.end();
    await eventually("all messages", () => receiver.messages.length >= 4);
    const words = receiver.messages.map((message) => message.split("=")[0]);
    assert.deepEqual(words, ["READY", "RELOADING", "RELOADING", "READY"]);
  });
});

Deno.test(
  "an abstract socket is told as well, and what is none is refused by a line in the log",
  onLinux,
  async () => {
    const name = `raftlite-test-${crypto.randomUUID()}`;
    let socket: Deno.DatagramConn | undefined;
    try {
      socket = Deno.listenDatagram({ transport: "unixpacket", path: `\0${name}` });
    } catch (error) {
      // Deno before 2.9 cannot receive by an abstract name; what is sent is the same.
      if (!(error instanceof TypeError)) throw error;
    }
    const { manager, lines } = open({ NOTIFY_SOCKET: `@${name}` });
    manager.ready();
    const received = await socket?.receive();
    assert.equal(new TextDecoder().decode(received?.[0]), socket === undefined ? "" : "READY=1");
    socket?.close();
    await manager.end();
    assert.equal(lines.length, socket === undefined ? 1 : 0);
    for (const wrong of ["relative", "vsock:2:1", `/${"a".repeat(120)}`, "@"]) {
      const refused = open({ NOTIFY_SOCKET: wrong });
      refused.manager.ready();
      assert.match(
        refused.lines[0] ?? "",
        /^WARN The service manager is told nothing: NOTIFY_SOCKET=/,
      );
    }
  },
);

Deno.test("ServiceManager tells a host within the program once that it is ready, and that it stops", () => {
  const told: string[] = [];
  const host = { ready: () => void told.push("ready"), stopping: () => void told.push("stopping") };
  const logger = { log: () => {} };
  const subject = ServiceManager.open({}, { clock: new DenoClock(), logger, host });
  subject.ready();
  subject.ready();
  subject.stopping();
  assert.deepEqual(told, ["ready", "stopping"]);
});
