import { useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import { ask, type Results } from "../api/client.ts";
import { parseExact } from "../api/exact.ts";
import { Failure, Question } from "../parts/dialog.tsx";
import { Check } from "../parts/fields.tsx";
import { bytes } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { saveBlob } from "../parts/save.ts";
import { tell } from "../parts/toasts.tsx";

const formats = {
  binary: { words: "SQLite file", query: "", ending: "sqlite3" },
  delete: { words: "SQLite file, without WAL", query: "fmt=delete", ending: "sqlite3" },
  sql: { words: "SQL text", query: "fmt=sql", ending: "sql" },
} as const;

type Format = keyof typeof formats;

/** A copy of the database, to keep. */
export function BackupCard() {
  const [format, setFormat] = useState<Format>("binary");
  const [isVacuumed, setVacuumed] = useState(false);
  const [isPacked, setPacked] = useState(false);
  const [isLocal, setLocal] = useState(false);
  const [progress, setProgress] = useState("");
  const [failure, setFailure] = useState("");
  const start = async () => {
    setFailure("");
    setProgress("Asking…");
    const { query, ending } = formats[format];
    const flags = [
      query,
      isVacuumed && format === "binary" ? "vacuum" : "",
      isPacked ? "compress" : "",
      isLocal ? "noleader" : "",
    ].filter((flag) => flag !== "");
    try {
      const response = await ask(`/db/backup?${flags.join("&")}`);
      const parts = await received(response, (size) => setProgress(bytes(size)));
      const day = new Date().toISOString().slice(0, 10);
      saveBlob(`backup-${day}.${ending}${isPacked ? ".gz" : ""}`, parts);
      tell(`The backup of ${bytes(parts.size)} is made`);
    } catch (error) {
      setFailure(messageOf(error));
    } finally {
      setProgress("");
    }
  };
  return (
    <section class="card card-body stack" aria-labelledby="backup">
      <h2 id="backup">Backup</h2>
      <p class="soft">A copy of the whole database at one moment, while reads and writes go on.</p>
      <label class="labelled">
        Format
        <select
          class="field"
          value={format}
          onChange={({ currentTarget }) => setFormat(currentTarget.value as Format)}
        >
          {Object.entries(formats).map(([name, { words }]) => (
            <option key={name} value={name}>{words}</option>
          ))}
        </select>
      </label>
      {format === "binary" && (
        <Check words="Without unused pages" isOn={isVacuumed} set={setVacuumed} />
      )}
      <Check words="Packed by gzip" isOn={isPacked} set={setPacked} />
      <Check words="As this node has it, without asking the leader" isOn={isLocal} set={setLocal} />
      <Failure text={failure} />
      <div>
        <button type="button" class="button main-one" disabled={progress !== ""} onClick={start}>
          <Icon name="download" />
          {progress === "" ? "Make a backup" : progress}
        </button>
      </div>
    </section>
  );
}

/** How much of an answer is one piece of what the browser keeps, which may be on disk. */
const pieceBytes = 8_000_000;

async function received(response: Response, tell: (size: number) => void): Promise<Blob> {
  const reader = response.body?.getReader();
  let blob = new Blob();
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let waitingBytes = 0;
  let size = 0;
  while (reader !== undefined) {
    const { value, done } = await reader.read();
    if (done) break;
    waiting.push(value);
    waitingBytes += value.length;
    size += value.length;
    if (waitingBytes < pieceBytes) continue;
    blob = new Blob([blob, ...waiting]);
    waiting = [];
    waitingBytes = 0;
    tell(size);
  }
  return new Blob([blob, ...waiting]);
}

const sqliteStart = "SQLite format 3\0";

interface Chosen {
  readonly file: File;
  readonly isSqlite: boolean;
}

/** Puts a copy in the database's place. */
export function RestoreCard() {
  const [chosen, setChosen] = useState<Chosen | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const [asks, setAsks] = useState(false);
  const choose = async (file: File | undefined) => {
    setFailure("");
    if (file === undefined) return setChosen(undefined);
    try {
      const start = await file.slice(0, sqliteStart.length).text();
      setChosen({ file, isSqlite: start === sqliteStart });
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const load = async ({ file, isSqlite }: Chosen) => {
    const type = isSqlite ? "application/octet-stream" : "text/plain";
    const response = await ask("/db/load", {
      method: "POST",
      headers: { "content-type": type },
      body: file,
    });
    const text = await response.text();
    const answer = text === "" ? undefined : parseExact(text) as Results;
    const error = answer?.error ?? answer?.results.find((result) => result.error)?.error;
    if (error !== undefined) throw new Error(error);
    tell(isSqlite ? "The database is the file’s now" : "The SQL is carried out");
    setChosen(undefined);
  };
  return (
    <section class="card card-body stack" aria-labelledby="restore">
      <h2 id="restore">Restore</h2>
      <p class="soft">
        A SQLite file replaces the whole database, on every node. SQL text is run in one
        transaction.
      </p>
      <label class="labelled">
        File
        <input
          class="field"
          type="file"
          onChange={({ currentTarget }) => choose(currentTarget.files?.[0])}
        />
      </label>
      {chosen && (
        <p>{chosen.isSqlite ? "A SQLite file" : "SQL text"} of {bytes(chosen.file.size)}</p>
      )}
      <Failure text={failure} />
      <div>
        <button
          type="button"
          class="button grave"
          disabled={chosen === undefined}
          onClick={() => setAsks(true)}
        >
          <Icon name="up" />Restore…
        </button>
      </div>
      {asks && chosen && (
        <Question
          title={chosen.isSqlite ? "Replace the whole database?" : "Run the SQL of this file?"}
          verb={chosen.isSqlite ? "Replace it" : "Run it"}
          grave
          onClose={() => setAsks(false)}
          act={() => load(chosen)}
        >
          <p>
            {chosen.isSqlite
              ? `All that the database has now is gone then, on every node: it becomes what ${chosen.file.name} has. A damaged file is refused. Make a backup first.`
              : `${chosen.file.name} is run in one transaction: all of it is done, or nothing.`}
          </p>
        </Question>
      )}
    </section>
  );
}
