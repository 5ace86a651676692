import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { HashChecker } from "../../src/access/hash_checker.ts";
import { digestOf } from "../../src/access/password.ts";

const encoder = new TextEncoder();
const hash = bcrypt.hashSync("right", 4);

/** Asks for passwords, and notes in which order answers come. */
class Asker {
  readonly checker = new HashChecker();
  readonly answers: string[] = [];
  readonly #all: Promise<void>[] = [];

  ask(password: string, address: string, trusted = true): void {
    const bytes = encoder.encode(password);
    const digest = digestOf(bytes);
    const question = { password: bytes, digest, hash, address, trusted: () => trusted };
    this.#all.push(
      this.checker.check(question).then((outcome) => {
        this.answers.push(`${password} of ${address}: ${outcome}`);
      }),
    );
  }

  async allAnswered(): Promise<void> {
    await Promise.all(this.#all);
  }

  [Symbol.dispose](): void {
    this.checker.end();
  }
}

Deno.test("HashChecker compares one after the other, and turns away what one address asks beyond four that wait", async () => {
  using asker = new Asker();
  for (let i = 0; i < 7; i++) asker.ask(i === 1 ? "right" : `no ${i}`, "one");
  await asker.allAnswered();
  assert.deepEqual(asker.answers, [
    "no 5 of one: busy",
    "no 6 of one: busy",
    "no 0 of one: wrong",
    "right of one: right",
    "no 2 of one: wrong",
    "no 3 of one: wrong",
    "no 4 of one: wrong",
  ]);
});

Deno.test("HashChecker lets addresses take turns, so that nobody waits behind a flood", async () => {
  using asker = new Asker();
  for (let i = 0; i < 5; i++) asker.ask(`guess ${i}`, "flood");
  asker.ask("right", "somebody");
  await asker.allAnswered();
  assert.deepEqual(asker.answers.slice(0, 3), [
    "guess 0 of flood: wrong",
    "guess 1 of flood: wrong",
    "right of somebody: right",
  ]);
});

Deno.test("HashChecker makes room for who has less waiting than others, when all of it is taken", async () => {
  using asker = new Asker();
  // One is compared, and four of each wait.
  asker.ask("guess", "flood");
  for (let i = 0; i < 64; i++) asker.ask(`guess ${i}`, `flood ${Math.floor(i / 4)}`);
  for (let i = 0; i < 60; i++) asker.ask("right", `somebody ${i}`);
  asker.ask("also right", "somebody else");
  await asker.allAnswered();
  const of = (outcome: string) => asker.answers.filter((answer) => answer.endsWith(outcome));
  assert.equal(of("right").length, 60, "the same question is asked once, whoever asks it");
  assert.deepEqual(of("busy"), ["guess 3 of flood 0: busy", "guess 7 of flood 1: busy"]);
});

Deno.test("HashChecker lets those whose address has failed lately wait for all others, and go first", async () => {
  using asker = new Asker();
  for (let i = 0; i < 65; i++) asker.ask(`guess ${i}`, `flood ${i}`, false);
  asker.ask("right", "somebody");
  asker.ask("one more", "flood", false);
  await asker.allAnswered();
  assert.deepEqual(asker.answers.slice(0, 4), [
    "guess 1 of flood 1: busy",
    "one more of flood: busy",
    "guess 0 of flood 0: wrong",
    "right of somebody: right",
  ]);
});

Deno.test("HashChecker turns away when as many addresses wait as may", async () => {
  using asker = new Asker();
  for (let i = 0; i < 70; i++) asker.ask(`guess ${i}`, `address ${i}`);
  await asker.allAnswered();
  const busy = asker.answers.filter((answer) => answer.endsWith("busy"));
  assert.deepEqual(busy, [65, 66, 67, 68, 69].map((i) => `guess ${i} of address ${i}: busy`));
});

Deno.test("HashChecker that ends answers all that waits: nothing matches", async () => {
  using asker = new Asker();
  for (const address of ["a", "b"]) asker.ask(`right for ${address}`, address);
  asker.checker.end();
  await asker.allAnswered();
  assert.deepEqual(asker.answers, ["right for a of a: wrong", "right for b of b: wrong"]);
});
