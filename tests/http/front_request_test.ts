import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { readRequest } from "../../src/http/front_request.ts";
import { anySeed } from "../store/seeds.ts";

const encoder = new TextEncoder();

const requests = [
  "GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
  "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
  "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nabc",
];

Deno.test("readRequest reads the same of a request that comes in any pieces", () => {
  const seed = anySeed();
  const prng = new Prng(seed);
  for (const request of requests) {
    const bytes = encoder.encode(`${request}GET /next HTTP/1.1\r\n`);
    const whole = readRequest(bytes);
    assert.ok(whole.kind === "plain");
    assert.equal(whole.length, request.length);
    for (let round = 0; round < 200; round++) {
      let seen = 0;
      for (let length = 1;; length = Math.min(length + 1 + prng.below(6), bytes.length)) {
        const reading = readRequest(bytes.subarray(0, length), seen);
        if (reading.kind === "partial") {
          assert.ok(reading.bytesMin > length && reading.bytesMin <= request.length);
          // All but what may be the beginning of its end.
          if (!reading.hasHead) assert.ok(reading.seen >= length - 3, `seed ${seed}`);
          seen = reading.seen;
          continue;
        }
        assert.ok(reading.kind === "plain", `seed ${seed}`);
        assert.equal(reading.length, whole.length);
        assert.equal(reading.upgrade, whole.upgrade);
        break;
      }
    }
  }
});

Deno.test("readRequest leaves a head with other line ends to others before it has its end", () => {
  const heads = [
    "GET /a HTTP/1.1\nHost: x\n\n",
    "GET /a HTTP/1.1\r\nHost: x\n",
    "GET /a HTTP/1.1\r\nHost: x\r\r\n",
    "GET /a HTTP/1.1\rHost: x",
  ];
  for (const head of heads) {
    const bytes = encoder.encode(head);
    assert.equal(readRequest(bytes).kind, "foreign", JSON.stringify(head));
    let seen = 0;
    let kind = "partial";
    for (let length = 1; length <= bytes.length && kind === "partial"; length++) {
      const reading = readRequest(bytes.subarray(0, length), seen);
      kind = reading.kind;
      if (reading.kind === "partial") seen = reading.seen;
    }
    assert.equal(kind, "foreign", JSON.stringify(head));
  }
});

Deno.test("readRequest gives a GET no body, as Deno's server does, and takes it off", async () => {
  const request = "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  const reading = readRequest(encoder.encode(`${request}GET /`));
  assert.ok(reading.kind === "plain");
  assert.equal(reading.length, request.length);
  assert.equal(reading.request.body, null);
  assert.equal((await reading.request.bytes()).length, 0);
});
