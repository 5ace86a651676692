import { messageOf } from "../../base/message_of.ts";
import type { MemberConfiguration } from "../../member/configuration.ts";
import { type MemberData, openDatabase, type Surroundings } from "../../member/member_parts.ts";
import { RepairNote } from "../../member/repair_note.ts";
import { setDatabaseAside } from "../../store/copy/set_aside.ts";
import { isDamaged } from "../../store/failures.ts";
import { databaseName } from "../../store/store.ts";

/** A standby's copy of the database, and what is to be done once it is found damaged. */
export interface OpenCopy extends Pick<MemberData, "store" | "profile"> {
  /** Has the next start set the copy aside, where the store has failed over damage. Never rejects. */
  noteFailure(error: unknown): Promise<void>;
}

type Parts = Pick<Surroundings, "disk" | "clock" | "logger" | "openers">;

/**
 * Opens the database of a standby's directory. One that is damaged, or over which the store failed
 * before, is set aside: the archive has another. Where repairs are not permitted it is an error.
 */
export async function openCopy(
  configuration: Pick<MemberConfiguration, "dataDirectory" | "database">,
  parts: Parts,
): Promise<OpenCopy> {
  const { dataDirectory: directory, database: { repairs } } = configuration;
  const { disk, logger } = parts;
  const note = new RepairNote(disk, directory, logger);
  const setAside = async (reason: string) => {
    const aside = await setDatabaseAside(disk, `${directory}/${databaseName}`);
    logger.log(
      "ERROR",
      "standby",
      `${reason}: the copy is set aside, and a base copy of the archive takes its place; the old one is ${aside}`,
    );
    await note.clear();
  };
  const noted = repairs ? await note.read() : undefined;
  if (noted?.moved === false) await setAside(noted.reason);
  return {
    ...await openDatabase(configuration, parts).catch(async (error) => {
      if (!repairs || !isDamaged(error)) throw error;
      await setAside(messageOf(error));
      return await openDatabase(configuration, parts);
    }),
    async noteFailure(error) {
      if (!repairs || !isDamaged(error)) return;
      const reason = messageOf(error);
      // The next failure, or start, finds it again.
      await note.write({ part: "database", reason, moved: false }).catch(() => {});
    },
  };
}
