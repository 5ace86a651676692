import { parameterList } from "./openapi_data_paths.ts";
import { answer, jsonOf, plainText, responses } from "./openapi_responses.ts";

/** What the console asks for beside what all clients do. */
export const consolePaths = {
  "/debug/figures": {
    get: {
      operationId: "figures",
      // `follow` makes it a stream of events, which has no end to be described here.
      summary: "This node's figures of the last hour, a row each five seconds",
      parameters: parameterList("after", "pretty"),
      responses: responses({ 200: answer("The oldest row first.", jsonOf("FigureRows")) }),
    },
  },
  "/whoami": {
    get: {
      operationId: "whoami",
      summary: "Whom the node takes its client for, and what that one may do",
      responses: responses({
        200: answer("Also for wrong credentials: nobody, and what everybody may.", jsonOf("Who")),
      }, "Slowed"),
    },
  },
  "/debug/log": {
    get: {
      operationId: "logLines",
      summary: "The last lines of this node's log",
      parameters: parameterList("after_line", "pretty"),
      responses: responses({ 200: answer("The oldest line first.", jsonOf("LogLines")) }),
    },
  },
  "/debug/audit": {
    get: {
      operationId: "auditLines",
      summary: "The last lines of this node's audit log",
      parameters: parameterList("after_line", "pretty"),
      responses: responses({
        200: answer("The oldest line first.", jsonOf("AuditLines")),
        404: answer("This node keeps no audit log.", plainText),
      }),
    },
  },
  "/debug/flags": {
    get: {
      operationId: "flags",
      summary: "This node's flags as they count, without what may be secret in them",
      parameters: parameterList("pretty"),
      responses: responses({ 200: answer("All flags, by their names.", jsonOf("FlagsInEffect")) }),
    },
  },
  "/debug/backups": {
    get: {
      operationId: "backups",
      summary: "What -auto-backup and -archive have stored, by what their stores say",
      parameters: parameterList("pretty"),
      responses: responses({ 200: answer("The newest first.", jsonOf("SavedBackups")) }),
    },
    post: {
      operationId: "backUp",
      summary: "Has the leader store a backup now, as it does at the interval of -auto-backup",
      responses: responses({
        200: answer("Once it is stored, or when there was nothing new.", jsonOf("AskedBackup")),
        409: answer("There is none, and why.", plainText),
      }),
    },
  },
  "/debug/backups/verify": {
    get: {
      operationId: "verifyBackup",
      summary: "Restores one of them into a file at this node, and checks it",
      parameters: parameterList("backup_key"),
      responses: responses({
        200: answer("What came of it.", jsonOf("BackupVerdict")),
        404: answer("There is no such backup, or no -auto-backup.", plainText),
        503: answer("Another one is being verified at this node.", plainText),
      }),
    },
  },
};
