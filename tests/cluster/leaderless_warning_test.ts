import { strict as assert } from "node:assert";
import { LeaderlessWarning } from "../../src/cluster/leaderless_warning.ts";
import type { Member, Status } from "../../src/raft/types.ts";

/** A node and a clock that only the test moves. */
class Setting {
  readonly lines: string[] = [];
  status: Status = { role: "follower", term: 1, leader: "" };
  configuration: { members: Member[] } = { members: ["1", "2", "3"].map(member) };
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];
  readonly warning: LeaderlessWarning;

  constructor() {
    this.warning = new LeaderlessWarning({
      node: Object.defineProperties({ id: "1" } as { id: string } & Setting["view"], {
        status: { get: () => this.status },
        configuration: { get: () => this.configuration },
      }),
      clock: {
        now: () => this.#now,
        wallTime: () => this.#now,
        after: (delay, run) => {
          const timer = { at: this.#now + delay, run };
          this.#timers.push(timer);
          return { cancel: () => this.#timers = this.#timers.filter((other) => other !== timer) };
        },
      },
      logger: { log: (level, _room, text) => this.lines.push(`${level} ${text}`) },
    });
  }

  get view(): { status: Status; configuration: { members: Member[] } } {
    return { status: this.status, configuration: this.configuration };
  }

  leader(leader: string): void {
    this.status = { ...this.status, term: this.status.term + 1, leader };
    this.warning.changed();
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const { run } of due) run();
  }
}

function member(id: string): Member {
  return { id, address: `10.0.0.${id}:4002`, httpAddress: "", suffrage: "voter" };
}

Deno.test("LeaderlessWarning speaks once after 30 s, whatever the terms, and when it is over", () => {
  const s = new Setting();
  s.leader("");
  for (let i = 0; i < 29; i++) {
    s.pass(1000);
    s.leader("");
  }
  assert.deepEqual(s.lines, []);
  s.pass(1000);
  s.leader("");
  s.pass(100_000);
  assert.equal(s.lines.length, 1);
  assert.match(
    s.lines[0] ?? "",
    /^WARN No leader for 30 s: .*2 at 10\.0\.0\.2:4002.*-join.*raftlite recover/,
  );
  s.leader("2");
  assert.equal(s.lines[1], "INFO There is a leader again: 2");
  s.leader("");
  s.pass(29_000);
  s.leader("3");
  s.pass(100_000);
  assert.equal(s.lines.length, 2);
});

Deno.test("LeaderlessWarning tells a node that knows of its removal how to come back", () => {
  const s = new Setting();
  s.configuration = { members: ["2", "3"].map(member) };
  s.leader("");
  s.pass(30_000);
  assert.match(s.lines[0] ?? "", /WARN .*was removed from its cluster; start it with -join/);
});

Deno.test("LeaderlessWarning is silent for a node that never was a member, and after stop()", () => {
  const s = new Setting();
  s.configuration = { members: [] };
  s.leader("");
  s.pass(30_000);
  const stopped = new Setting();
  stopped.leader("");
  stopped.warning.stop();
  stopped.pass(30_000);
  assert.deepEqual([...s.lines, ...stopped.lines], []);
});
