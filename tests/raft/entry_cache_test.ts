import assert from "node:assert/strict";
import { EntryCache } from "../../src/raft/entry_cache.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";

function entry(index: number, size = 10): Entry {
  return { index, term: 1, type: EntryType.command, data: new Uint8Array(size), checksum: 0 };
}

function filled(first: number, last: number, size = 10): EntryCache {
  const cache = new EntryCache(first);
  for (let index = first; index <= last; index++) cache.push(entry(index, size));
  return cache;
}

function indexes(entries: readonly Entry[]): number[] {
  return entries.map((each) => each.index);
}

Deno.test({
  name: "EntryCache.slice() gives the first entry whatever its size, then as many as fit",
  permissions: "none",
  fn() {
    const cache = filled(5, 9);
    assert.deepEqual(indexes(cache.slice(6, 9, 25)), [6, 7]);
    assert.deepEqual(indexes(cache.slice(6, 9, 0)), [6]);
    assert.deepEqual(indexes(cache.slice(6, 7, Infinity)), [6, 7]);
    assert.deepEqual(indexes(cache.slice(9, 20, Infinity)), [9]);
    assert.deepEqual(indexes(cache.slice(10, 20, Infinity)), []);
    assert.deepEqual(indexes(cache.slice(4, 9, Infinity)), []);
  },
});

Deno.test({
  name: "EntryCache.evict() drops the oldest, none beyond the limit, and keeps places right",
  permissions: "none",
  fn() {
    const cache = filled(1, 1000);
    const each = cache.bytes / 1000;
    cache.evict(300, 0);
    assert.equal(cache.first, 301);
    assert.equal(cache.bytes, each * 700);
    cache.evict(1000, each * 10);
    assert.deepEqual(indexes(cache.slice(991, 1000, Infinity)).length, 10);
    assert.equal(cache.first, 991);
    cache.push(entry(1001));
    assert.deepEqual(indexes(cache.slice(1000, 1001, Infinity)), [1000, 1001]);
    cache.evict(2000, -1);
    assert.equal(cache.first, 1002);
    assert.equal(cache.bytes, 0);
  },
});

Deno.test({
  name: "EntryCache.truncate() cuts the end off, also all and more than is held",
  permissions: "none",
  fn() {
    const cache = filled(5, 9);
    cache.evict(6, 0);
    cache.truncate(9);
    assert.deepEqual(indexes(cache.slice(7, 99, Infinity)), [7, 8]);
    cache.truncate(3);
    assert.equal(cache.bytes, 0);
    cache.push(entry(3));
    assert.deepEqual(indexes(cache.slice(3, 3, Infinity)), [3]);
    assert.throws(() => cache.push(entry(5)), /does not follow/);
  },
});
