import { useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import { act, askJson } from "../api/client.ts";
import { parseExact } from "../api/exact.ts";
import { may, type Who } from "../api/session.ts";
import { Failure } from "../parts/dialog.tsx";
import { bytes, count, counted, duration } from "../parts/format.ts";
import { type Loaded, useLoaded } from "../parts/loaded.ts";
import { copy } from "../parts/save.ts";
import { tell } from "../parts/toasts.tsx";
import { BackupCard, RestoreCard } from "./backup.tsx";
import { restoreCommand, utcOf } from "./commands.ts";

interface Saved {
  readonly flag?: string;
  readonly error?: string;
  readonly destination?: string;
  readonly count?: number;
  readonly verified?: string;
  readonly backups?: readonly SavedOne[];
}

interface SavedOne {
  readonly index: number;
  readonly key: string;
  readonly time: string;
  readonly bytes: number;
}

interface Archive {
  readonly flag?: string;
  readonly error?: string;
  readonly first_index?: number;
  readonly last_index?: number;
  readonly first_time?: string;
  readonly last_time?: string;
  readonly bases?: readonly { readonly time: string; readonly bytes: number }[];
}

interface Backups {
  readonly auto_backups?: Saved;
  readonly archive?: Archive;
}

/** Copies of the database: made, kept, checked, and brought back. */
export function BackupsPage({ who }: { readonly who: Who }) {
  return (
    <>
      <div class="page-head">
        <h1>Backups</h1>
      </div>
      <div class="cards">
        {may(who, "backup") && <BackupCard />}
        {may(who, "load") && <RestoreCard />}
      </div>
      {may(who, "backup") && <Kept />}
    </>
  );
}

/** What the cluster has stored by itself. */
function Kept() {
  const loaded = useLoaded(() => askJson<Backups>("/debug/backups"));
  const { value, failure } = loaded;
  return (
    <>
      <Failure text={failure} />
      {value && <Automatic saved={value.auto_backups} loaded={loaded} />}
      {value && <Moments archive={value.archive} />}
    </>
  );
}

function time(text: string | undefined): string {
  return text === undefined ? "–" : new Date(text).toLocaleString();
}

function Automatic(
  { saved, loaded }: { readonly saved: Saved | undefined; readonly loaded: Loaded<Backups> },
) {
  return (
    <section class="card card-body stack" aria-labelledby="automatic">
      <div class="row">
        <h2 id="automatic">Automatic backups</h2>
        <button type="button" class="button quiet end" onClick={loaded.loadAnew}>Load anew</button>
        {saved !== undefined && <BackUpNow onMade={loaded.loadAnew} />}
      </div>
      {saved === undefined
        ? (
          <p>
            This node makes none. Start each node with{" "}
            <code>-auto-backup FILE</code>: whichever leads then sends a backup to S3, Google’s
            store or a directory (docs/backups.md).
          </p>
        )
        : <SavedList saved={saved} />}
    </section>
  );
}

/** Does not wait for the leader's timer. */
function BackUpNow({ onMade }: { readonly onMade: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const backUp = async () => {
    setBusy(true);
    try {
      const response = await act("/debug/backups", "POST");
      const { backup } = parseExact(await response.text()) as { backup?: SavedOne };
      if (backup === undefined) tell("Nothing has changed since the newest backup");
      else tell(`${backup.key} of ${bytes(backup.bytes)} is stored`);
      onMade();
    } catch (error) {
      tell(messageOf(error), true);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" class="button" disabled={isBusy} onClick={backUp}>
      {isBusy ? "The leader stores one…" : "Back up now"}
    </button>
  );
}

function SavedList(
  { saved: { error = "", destination, count: all = 0, verified, backups = [] } }: {
    readonly saved: Saved;
  },
) {
  const [verifying, setVerifying] = useState("");
  const verify = async ({ key }: SavedOne) => {
    setVerifying(key);
    try {
      const { ok, error, duration_ms } = await askJson<
        { ok: boolean; error?: string; duration_ms: number }
      >(`/debug/backups/verify?key=${encodeURIComponent(key)}`);
      if (ok) tell(`${key} is sound: restored and checked in ${duration(duration_ms)}`);
      else tell(`${key} cannot be used: ${error}`, true);
    } catch (error) {
      tell(messageOf(error), true);
    } finally {
      setVerifying("");
    }
  };
  return (
    <>
      <Failure text={error} />
      {destination !== undefined && (
        <p class="soft">
          {counted(all, "backup")} in {destination};{" "}
          {verified === undefined ? "none verified yet" : `last verified ${time(verified)}`}
        </p>
      )}
      {backups.length > 0 && (
        <div class="scroll-x" role="region" aria-label="Backups in their place" tabIndex={0}>
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Made</th>
                <th scope="col" class="number">Size</th>
                <th scope="col" class="number">Up to index</th>
                <th scope="col">Name</th>
                <th scope="col">
                  <span class="unseen">What can be done</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {backups.map((backup) => (
                <tr key={backup.key}>
                  <td>{time(backup.time)}</td>
                  <td class="number">{bytes(backup.bytes)}</td>
                  <td class="number">{count(backup.index)}</td>
                  <td class="mono">{backup.key}</td>
                  <td class="number">
                    <button
                      type="button"
                      class="button quiet"
                      disabled={verifying !== ""}
                      onClick={() => verify(backup)}
                    >
                      {verifying === backup.key ? "Restoring it…" : "Verify"}
                      <span class="unseen">{backup.key}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

/** Any moment back: a running node cannot go there, so the command that does it is shown. */
function Moments({ archive }: { readonly archive: Archive | undefined }) {
  return (
    <section class="card card-body stack" aria-labelledby="moments">
      <h2 id="moments">Restore to a moment</h2>
      {archive === undefined
        ? (
          <p>
            There is no archive. Start each node with{" "}
            <code>-archive DIRECTORY</code>: the database of any moment since can then be had again,
            to the row (docs/backups.md).
          </p>
        )
        : <Moment archive={archive} />}
    </section>
  );
}

function Moment({ archive }: { readonly archive: Archive }) {
  const { flag = "TARGET", error = "", bases = [] } = archive;
  const [moment, setMoment] = useState("");
  const at = utcOf(moment);
  const command = restoreCommand(flag, at);
  return (
    <>
      <Failure text={error} />
      {archive.last_index !== undefined && (
        <p class="soft">
          The archive goes from {time(archive.first_time)} (index {count(archive.first_index)}) to
          {" "}
          {time(archive.last_time)} (index {count(archive.last_index)}), with{" "}
          {counted(bases.length, "base copy", "base copies")}.
        </p>
      )}
      <label class="labelled">
        Moment, in this browser’s time; empty for the newest
        <input
          class="field"
          type="datetime-local"
          step="1"
          value={moment}
          onInput={({ currentTarget }) => setMoment(currentTarget.value)}
        />
      </label>
      <p>
        On a machine that reaches the archive, this makes a file of the database as it was then. The
        cluster is not touched.
      </p>
      <pre class="code">{command}</pre>
      <div class="row">
        <button type="button" class="button" onClick={() => copy(command)}>Copy the command</button>
      </div>
      <p class="soft">
        To have this cluster go on from there, give the file to “Restore” above. A new cluster
        begins with it by <code>-auto-restore</code>, whose file then has{" "}
        <code>
          "archive": true{at === undefined ? "" : `, "at": "${at}"`}
        </code>.
      </p>
    </>
  );
}
