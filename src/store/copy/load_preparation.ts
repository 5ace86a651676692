import type { LoadVerdict } from "../apply/load_checks.ts";
import type { Writer } from "../apply/writer.ts";
import type { LifeCycle } from "../life_cycle.ts";
import type { Copier } from "./copier.ts";
import type { WalKeeper } from "./wal_keeper.ts";

export interface LoadPreparationParts {
  readonly copier: Pick<Copier, "run">;
  readonly writer: Pick<Writer, "loadChecked" | "status">;
  readonly wal: Pick<WalKeeper, "empty">;
  readonly life: Pick<LifeCycle, "isOpen">;
}

/**
 * What can be done of a load ahead of its last entry, for which all writes wait: the check of its
 * file, and moving what the WAL has into the file that is to be exchanged. What comes of neither
 * that entry does itself.
 */
export class LoadPreparation {
  readonly #parts: LoadPreparationParts;
  #underWay: Promise<void> = Promise.resolve();

  constructor(parts: LoadPreparationParts) {
    this.#parts = parts;
  }

  prepare(check: number, file: string): void {
    this.#underWay = this.#prepare(check, file);
  }

  async #prepare(check: number, file: string): Promise<void> {
    const { writer, wal } = this.#parts;
    const verdict = await this.#verdict(file);
    writer.loadChecked(check, verdict);
    if (verdict.type === "fit") await wal.empty().catch(() => {});
  }

  async #verdict(file: string): Promise<LoadVerdict> {
    const { life, copier } = this.#parts;
    // Else it would wait for an exchange, and that for the writer, who may wait for the check.
    if (!life.isOpen) return { type: "unknown" };
    try {
      return await copier.run<"prepare_load">({ type: "prepare_load", path: file });
    } catch {
      return { type: "unknown" };
    }
  }

  /** Resolves when nothing more can be done ahead for what is applied when this begins; never rejects. */
  async settled(): Promise<void> {
    // Answered behind what the writer has begun by then, of whatever came before.
    await this.#parts.writer.status().catch(() => {});
    await this.#underWay;
  }
}
