/** What goes on for long ends with the rights of who asked for it. */
import { strict as assert } from "node:assert";
import { basic } from "./basic.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const open = { username: "*", perms: ["ready", "status"] };
const admin = { username: "admin", password: "a", perms: ["all"] };
const bob = {
  ...{ username: "bob", password: "b", perms: ["query", "status"] },
  tables: { read: ["public", "secret"], write: [] },
};
const less = { ...bob, tables: { read: ["public"], write: [] } };

/** All that a node says, as it comes. */
class Followed {
  text = "";
  ended = false;
  readonly #left = new AbortController();

  static async of(node: NodeProcess, path: string, authorization: string): Promise<Followed> {
    const followed = new Followed();
    const { signal } = followed.#left;
    const response = await fetch(`${node.url}${path}`, { headers: { authorization }, signal });
    assert.equal(response.status, 200, path);
    void followed.#read(response);
    return followed;
  }

  async #read({ body }: Response): Promise<void> {
    const pieces = body?.pipeThrough(new TextDecoderStream()) ?? [];
    try {
      for await (const piece of pieces) this.text += piece;
    } catch {
      // It was left, or its node has gone.
    }
    this.ended = true;
  }

  leave(): void {
    this.#left.abort();
  }
}

async function write(node: NodeProcess, ...statements: string[]): Promise<void> {
  const answer = await node.fetch("/db/execute", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: basic("admin", "a") },
    body: JSON.stringify(statements),
  });
  assert.match(answer.body, /results/);
  assert.doesNotMatch(answer.body, /error/);
}

Deno.test("who loses rights is told no more by what goes on for long", async () => {
  const users = await Deno.makeTempFile({ prefix: "raftlite-users-" });
  await Deno.writeTextFile(users, JSON.stringify([open, admin, bob]));
  const flags = ["-auth", users, "-changes-size", "8MiB"];
  await using cluster = await Cluster.start({ size: 1, flags });
  const node = await cluster.leader();
  await write(node, "CREATE TABLE public (a)", "CREATE TABLE secret (a)");
  const path = "/db/changes?format=ndjson";
  const followed = await Followed.of(node, path, basic("bob", "b"));
  const secrets = encodeURIComponent("SELECT a FROM secret");
  const watch = `/db/watch?format=ndjson&q=${secrets}`;
  const watched = await Followed.of(node, watch, basic("bob", "b"));
  const figures = await Followed.of(node, "/debug/figures?follow", basic("bob", "b"));
  await write(node, "INSERT INTO secret VALUES ('one')");
  await eventually("a change", () => {
    return followed.text.includes('"one"') && watched.text.includes('"one"');
  });
  await eventually("the figures", () => figures.text.includes("event: nodes"));
  await Deno.writeTextFile(users, JSON.stringify([admin, less]));
  await eventually("the new users", async () => {
    return (await node.fetch("/status")).status === 401;
  });
  await write(node, "INSERT INTO secret VALUES ('two')");
  await eventually("the end", () => {
    return followed.ended && watched.ended && figures.ended;
  });
  assert.doesNotMatch(followed.text, /two/);
  assert.doesNotMatch(watched.text, /two/);
  for (const { text } of [followed, watched]) assert.match(text, /"end":true/);
  assert.match(figures.text, /event: end/);
  const refused = await node.fetch(watch, { headers: { authorization: basic("bob", "b") } });
  assert.match(refused.body, /^access to secret is prohibited/);
  const again = await Followed.of(node, `${path}&from=1`, basic("bob", "b"));
  await write(node, "INSERT INTO public VALUES ('three')");
  await eventually("what may be read", () => again.text.includes("three"));
  assert.doesNotMatch(again.text, /one|two|secret/);
  again.leave();
  await eventually("its end", () => again.ended);
  await Deno.remove(users);
});
