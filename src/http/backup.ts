import type { BackupOptions } from "../store/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { OwnPieces } from "./own_pieces.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { withIndex } from "./session_index.ts";

/** /db/backup: a copy of the database, streamed. */
export async function backup(
  app: AppState,
  { request, parameters, audited }: AdmittedRequest<"none">,
): Promise<Response> {
  const { answers, service } = app;
  const format = backupFormat(parameters);
  const contentType = format === "sql" ? "application/sql" : "application/octet-stream";
  const vacuum = parameters.has("vacuum");
  if (vacuum && format !== "binary") return answers.error(500, "invalid backup format");
  const noLeader = parameters.has("noleader");
  if (!noLeader) {
    const redirect = app.redirect(request, parameters, contentType);
    if (redirect !== undefined) return redirect;
  }
  const tables = (parameters.get("tables") ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "");
  audited?.note({ format, tables, vacuum });
  const { position, sizeBytes, body: copy } = await service.backup({
    format,
    vacuum,
    tables,
    noLeader,
  }, request.signal);
  audited?.begin();
  let bytes = 0;
  const transfer = app.info.transfers?.begin("backup", {
    what: "to a client",
    totalBytes: sizeBytes,
  });
  const end = () => app.info.transfers?.end(transfer);
  const reader = copy.getReader();
  const failed = (error: unknown) => {
    end();
    const reason = error instanceof Error ? error.message : "its client went away";
    audited?.end("failed", { bytes, reason });
  };
  const body = new OwnPieces({
    async pull(controller) {
      const { value, done } = await reader.read().catch((error) => {
        failed(error);
        throw error;
      });
      if (done) {
        const { damage } = service.status();
        if (damage !== undefined) {
          const error = new Error(`This node's copy was found damaged: ${damage}`);
          failed(error);
          throw error;
        }
        end();
        app.lastBackupAt = new Date();
        audited?.end("ok", { bytes });
        return controller.close();
      }
      bytes += value.length;
      transfer?.add(value.length);
      controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    async cancel(error) {
      failed(error);
      await reader.cancel(error);
    },
  }, { highWaterMark: 0 });
  const response = answers.bytes(
    parameters.has("compress") ? body.pipeThrough(new CompressionStream("gzip")) : body,
    contentType,
  );
  return withIndex(response, position.index);
}

function backupFormat(parameters: QueryParameters): BackupOptions["format"] {
  const format = parameters.get("fmt")?.toLowerCase();
  return format === "sql" || format === "delete" ? format : "binary";
}
