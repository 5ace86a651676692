import type { Archived } from "../../backup/archive/types.ts";
import type { SavedBackups } from "../../backup/types.ts";
import { ServiceError } from "../../cluster/types.ts";
import { messageOf } from "../../base/message_of.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { laidOut } from "../indent.ts";
import { RequestError } from "../request_error.ts";
import { timeText } from "../time_text.ts";

/**
 * /debug/backups: GET has what -auto-backup and -archive have stored, by what their stores say; POST
 * has the leader store a backup now.
 */
export async function backups(
  app: AppState,
  admitted: AdmittedRequest<"none">,
): Promise<Response> {
  return await (admitted.request.method === "POST" ? backUp : listed)(app, admitted);
}

async function backUp(
  app: AppState,
  { audited }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, service } = app;
  audited?.note({ forwarded_to: app.forwardedTo() });
  try {
    const made = await service.backUp();
    const backup = made && { ...made, time: timeText(made.time) };
    return answers.json(JSON.stringify({ made: made !== undefined, backup }));
  } catch (error) {
    if (!(error instanceof ServiceError) || error.kind !== "failed") throw error;
    return answers.error(409, error.message);
  }
}

async function listed(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const { backupKeeping, archived, flags = [] } = app.info;
  const flag = (name: string) => flags.find((each) => each.name === name)?.value;
  const [saved, archive] = await Promise.all([
    backupKeeping && told(backupKeeping.list(), savedFigures),
    archived && told(archived(), archivedFigures),
  ]);
  const text = JSON.stringify({
    auto_backups: saved && { flag: flag("auto-backup"), ...saved },
    archive: archive && { flag: flag("archive"), ...archive },
  });
  return app.answers.json(laidOut(text, parameters.has("pretty")));
}

/** What was asked for, or why it cannot be told: a store that fails hides nothing of the other. */
async function told<T>(asked: Promise<T>, figures: (value: T) => object): Promise<object> {
  try {
    return figures(await asked);
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function savedFigures({ destination, count, newest, verifiedAt, stranger }: SavedBackups) {
  return {
    destination,
    count,
    verified: verifiedAt === 0 ? undefined : timeText(verifiedAt),
    error: stranger,
    backups: newest.map((backup) => ({ ...backup, time: timeText(backup.time) })),
  };
}

function archivedFigures({ cluster, bases, ...span }: Archived) {
  return {
    cluster,
    first_index: span.firstIndex,
    last_index: span.lastIndex,
    first_time: timeText(span.firstTime),
    last_time: timeText(span.lastTime),
    bases: bases.map((base) => ({ ...base, time: timeText(base.time) })),
  };
}

/** /debug/backups/verify: restores the backup of that key into a file here, and checks it. */
export async function verifyBackup(
  app: AppState,
  { parameters }: AdmittedRequest<"none">,
): Promise<Response> {
  const { backupKeeping } = app.info;
  if (backupKeeping === undefined) {
    throw new RequestError(404, "this node makes no backups by itself: start it with -auto-backup");
  }
  const key = parameters.get("key") ?? "";
  const verdict = await backupKeeping.verify(key);
  if (verdict === undefined) throw new RequestError(404, `there is no backup ${key}`);
  const { failure, durationMs, id } = verdict;
  return app.answers.json(JSON.stringify({
    ok: failure === undefined,
    error: failure,
    index: id,
    duration_ms: Math.round(durationMs),
  }));
}
