import { gunzipSync } from "node:zlib";
import { AutoBackup } from "../../src/backup/auto_backup.ts";
import { parseAutoBackup } from "../../src/backup/config.ts";
import { openDestination } from "../../src/backup/destination.ts";
import type { LeadingNode } from "../../src/backup/types.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import type { Logger } from "../../src/io/types.ts";
import { s3Keys, type S3StandIn } from "../object_store/s3_stand_in.ts";
import { sqlite3, TestStore } from "../store/fixture.ts";

/** The log as a list of lines. */
export class LogLines implements Logger {
  readonly lines: string[] = [];

  log(level: string, room: string, message: string): void {
    this.lines.push(`${level} [${room}] ${message}`);
  }

  get text(): string {
    return this.lines.join("\n");
  }
}

/** A leader whose log is that of a store, and which tells of commands what the test says. */
export class FakeNode implements LeadingNode {
  #leads = true;
  /** How often it was asked whether it leads, and whether anything has changed. */
  asked = 0;
  clusterId = "00000000000000aa";
  /** The last index at which there is a command. */
  changedAt = 0;
  readonly #store: TestStore;

  constructor(store: TestStore) {
    this.#store = store;
  }

  get leads(): boolean {
    this.asked++;
    return this.#leads;
  }

  set leads(value: boolean) {
    this.#leads = value;
  }

  get appliedIndex(): number {
    return this.#store.store.applied.index;
  }

  confirm(): Promise<void> {
    return Promise.resolve();
  }

  changedSince(index: number): Promise<boolean> {
    this.asked++;
    return Promise.resolve(this.changedAt > index);
  }

  /** Runs statements as the next entry. */
  async execute(statements: string[]): Promise<void> {
    await this.#store.execute(statements);
    this.changedAt = this.appliedIndex;
  }

  /** An entry without a command, as a new leader begins with. */
  async empty(): Promise<void> {
    await this.#store.store.apply([this.#store.entries.noop()]);
  }
}

export interface StartedBackup extends AsyncDisposable {
  readonly backup: AutoBackup;
  readonly log: LogLines;
}

/** Backups of a store by a configuration, every few milliseconds. */
export async function startBackup(
  config: unknown,
  store: TestStore,
  node: LeadingNode,
): Promise<StartedBackup> {
  const clock = new DenoClock();
  const log = new LogLines();
  const parsed = parseAutoBackup(JSON.stringify(config), () => undefined).config;
  const backup = new AutoBackup({
    config: parsed,
    destination: await openDestination(parsed.destination, clock),
    node,
    store: store.store,
    clock,
    logger: log,
  });
  backup.start();
  return { backup, log, [Symbol.asyncDispose]: () => backup.stop() };
}

export function s3Config(standIn: Pick<S3StandIn, "url">, more: object = {}, sub: object = {}) {
  return {
    version: 1,
    type: "s3",
    interval: "5ms",
    verify_interval: "0s",
    ...more,
    sub: {
      access_key_id: s3Keys.accessKeyId,
      secret_access_key: s3Keys.secretAccessKey,
      endpoint: standIn.url,
      region: "us-east-1",
      bucket: "bkt",
      path: "dir/db.gz",
      force_path_style: true,
      ...sub,
    },
  };
}

/** What SQLite's own tool says of a SQLite file. */
export async function ask(file: Uint8Array, sql: string): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "raftlite-test-" });
  try {
    await Deno.writeFile(path, file);
    return sqlite3(path, sql).trim();
  } finally {
    await Deno.remove(path);
  }
}

export function unpacked(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gunzipSync(bytes));
}
