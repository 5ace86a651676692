import assert from "node:assert/strict";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { openDirectory, openGcs, openS3 } from "../../src/object_store/open_store.ts";
import {
  type ObjectSource,
  type ObjectStore,
  ObjectStoreError,
} from "../../src/object_store/types.ts";
import { withDirectory } from "../directory.ts";
import { GcsStandIn } from "./gcs_stand_in.ts";
import { Moto } from "./moto.ts";
import { s3Keys, S3StandIn } from "./s3_stand_in.ts";

const clock = new DenoClock();
const MiB = 1024 * 1024;

/** What each store keeps of an object: a directory keeps no metadata. */
interface Kind {
  readonly keepsMetadata: boolean;
  run(test: (store: ObjectStore) => Promise<void>): Promise<void>;
}

const s3Options = (endpoint: string) => ({
  ...s3Keys,
  endpoint,
  region: "us-east-1",
  bucket: "bkt",
  forcePathStyle: true,
});

const kinds: Record<string, Kind> = {
  "directory": {
    keepsMetadata: false,
    run: (test) => withDirectory((directory) => openDirectory(`${directory}/a/b`).then(test)),
  },
  "S3 stand-in": {
    keepsMetadata: true,
    async run(test) {
      await using standIn = new S3StandIn();
      await test(await openS3(s3Options(standIn.url), clock));
      assert.equal(standIn.uploads.size, 0, "An upload is left behind");
    },
  },
  "GCS stand-in": {
    keepsMetadata: true,
    async run(test) {
      await using standIn = new GcsStandIn();
      await withDirectory(async (directory) => {
        const credentialsPath = `${directory}/account.json`;
        await Deno.writeTextFile(credentialsPath, standIn.account);
        await test(await openGcs({ endpoint: standIn.url, bucket: "bkt", credentialsPath }, clock));
      });
    },
  },
};

/** Without a bucket's name in it the test is of no use: said by name where it cannot be. */
const moto = await Moto.start();
if (moto !== undefined) {
  kinds["moto"] = {
    keepsMetadata: true,
    run: (test) => openS3(s3Options(moto.url), clock).then(test),
  };
}

function sourceOf(bytes: Uint8Array): ObjectSource {
  return {
    sizeBytes: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

function random(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  }
  return bytes;
}

const isKind = (kind: ObjectStoreError["kind"]) => (error: unknown) =>
  error instanceof ObjectStoreError && error.kind === kind;

for (const [name, { keepsMetadata, run: open }] of Object.entries(kinds)) {
  const run = (test: (store: ObjectStore) => Promise<void>) =>
    open(async (store) => {
      try {
        await test(store);
      } finally {
        store.close();
      }
    });
  Deno.test(`${name}: what is put is read back, whole and in pieces, and told of`, () =>
    run(async (store) => {
      const key = "dir/a b+c~é.gz";
      const bytes = random(1000);
      assert.equal(await store.info(key), undefined);
      await assert.rejects(store.read(key, 0, 10), isKind("missing"));
      await store.put(key, bytes, { metadata: { "x-rqlite-auto-backup-id": "3" } });
      assert.deepEqual(await store.info(key), {
        sizeBytes: 1000,
        metadata: keepsMetadata ? { "x-rqlite-auto-backup-id": "3" } : {},
      });
      assert.deepEqual(new Uint8Array(await store.read(key, 0, 5000)), bytes);
      assert.deepEqual(new Uint8Array(await store.read(key, 10, 20)), bytes.slice(10, 30));
      assert.equal((await store.read(key, 1000, 20)).length, 0);
      await store.put(key, new Uint8Array(2));
      assert.equal((await store.info(key))?.sizeBytes, 2);
      await store.remove(key);
      await store.remove(key);
      assert.equal(await store.info(key), undefined);
    }));

  Deno.test(`${name}: large objects go in parts, and are there whole with what is said of them`, () =>
    run(async (store) => {
      const bytes = random(12 * MiB + 17);
      await store.upload("large", sourceOf(bytes), { metadata: { "raftlite-sha256": "ff" } });
      assert.equal((await store.info("large"))?.sizeBytes, bytes.length);
      if (keepsMetadata) {
        assert.equal((await store.info("large"))?.metadata["raftlite-sha256"], "ff");
      }
      for (const at of [0, 5 * MiB - 3, 10 * MiB, 12 * MiB]) {
        assert.deepEqual(
          new Uint8Array(await store.read("large", at, 1000)),
          bytes.slice(at, at + 1000),
        );
      }
      await store.remove("large");
    }));

  Deno.test(`${name}: of two who put where nothing is to be, one succeeds`, () =>
    run(async (store) => {
      const outcomes = await Promise.allSettled(
        [1, 2].map((value) => store.put("once", new Uint8Array([value]), { ifAbsent: true })),
      );
      const refused = outcomes.filter(({ status }) => status === "rejected");
      assert.equal(refused.length, 1);
      await assert.rejects(
        store.put("once", new Uint8Array([3]), { ifAbsent: true }),
        isKind("exists"),
      );
      const [kept] = await store.read("once", 0, 1);
      assert.equal(kept, outcomes[0]?.status === "fulfilled" ? 1 : 2);
      await store.remove("once");
    }));

  Deno.test(`${name}: lists what begins with a prefix, over more than one page, in order`, () =>
    run(async (store) => {
      const keys = ["log/00/a", "log/00/b", "log/01/c&d", "log/02", "lot/1"];
      for (const key of keys) await store.put(key, new Uint8Array(key.length));
      const found = await Array.fromAsync(store.list("log/"));
      assert.deepEqual(found, keys.slice(0, 4).map((key) => ({ key, sizeBytes: key.length })));
      assert.deepEqual(await Array.fromAsync(store.list("none/")), []);
      for (const key of keys) await store.remove(key);
    }));
}

Deno.test({
  name: "moto is stopped",
  // It was started outside of any test.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () => moto?.[Symbol.asyncDispose](),
});
