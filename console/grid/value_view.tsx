import { useEffect, useMemo, useState } from "preact/hooks";
import type { Value } from "../api/exact.ts";
import { ExactNumber, parseExact, stringifyExact } from "../api/exact.ts";
import { Dialog } from "../parts/dialog.tsx";
import { bytes as sizeText, counted } from "../parts/format.ts";
import { copy, download } from "../parts/save.ts";
import { hexOf, isBlob } from "../sql/export.ts";

interface ValueDialogProps {
  readonly name: string;
  readonly value: Value;
  readonly onClose: () => void;
}

/** All of one value. */
export function ValueDialog({ name, value, onClose }: ValueDialogProps) {
  const text = isBlob(value) ? hexOf(value) : value === null ? "NULL" : String(value);
  const save = () => {
    if (isBlob(value)) {
      download("value.bin", "application/octet-stream", new Uint8Array(value));
    } else download("value.txt", "text/plain", text);
  };
  const foot = (
    <>
      <button type="button" class="button" onClick={save}>Download</button>
      <button
        type="button"
        class="button"
        onClick={() => copy(text)}
      >
        Copy
      </button>
      <button type="button" class="button main-one" onClick={onClose}>
        Close
      </button>
    </>
  );
  return (
    <Dialog title={name} wide onClose={onClose} foot={foot}>
      <ValueView value={value} />
    </Dialog>
  );
}

/** Characters that are shown at once: a text of megabytes would stop the page. */
const shownMax = 100_000;

export function ValueView({ value }: { readonly value: Value }) {
  const json = useMemo(() => jsonIn(value), [value]);
  if (value === null) return <p class="soft">NULL: no value</p>;
  if (value === "") return <p class="soft">An empty text</p>;
  if (isBlob(value)) return <BlobView bytes={value} />;
  if (json !== undefined) {
    return (
      <div class="code">
        <JsonTree value={json} isOpen />
      </div>
    );
  }
  const text = String(value);
  return (
    <>
      {text.length > shownMax && (
        <p class="soft">
          The first {counted(shownMax, "character")} of {counted(text.length, "character")}
        </p>
      )}
      <pre class="code">{text.slice(0, shownMax)}</pre>
    </>
  );
}

/** What a text says in JSON, if it is an object or an array; undefined otherwise. */
function jsonIn(value: Value): unknown {
  if (
    typeof value !== "string" || !/^\s*[{[]/.test(value) ||
    value.length > 1_000_000
  ) return;
  try {
    return parseExact(value);
  } catch {
    return undefined;
  }
}

interface JsonTreeProps {
  readonly name?: string;
  readonly value: unknown;
  readonly isOpen?: boolean;
}

const membersMax = 200;

/** JSON, folded. */
export function JsonTree({ name, value, isOpen = false }: JsonTreeProps) {
  const label = name === undefined ? null : <b>{name}:&nbsp;</b>;
  if (
    typeof value !== "object" || value === null ||
    value instanceof ExactNumber
  ) {
    return <div>{label}{stringifyExact(value)}</div>;
  }
  const members = Object.entries(value);
  const words = Array.isArray(value)
    ? `[ ${counted(members.length, "element")} ]`
    : `{ ${counted(members.length, "member")} }`;
  return (
    <details class="json" open={isOpen}>
      <summary>{label}{words}</summary>
      {members.slice(0, membersMax).map(([key, member]) => (
        <JsonTree key={key} name={key} value={member} />
      ))}
      {members.length > membersMax && <div class="soft">… and more</div>}
    </details>
  );
}

/** Kinds of pictures that every browser shows, by how they begin. */
const pictures: readonly (readonly [start: string, type: string])[] = [
  ["89504e470d0a1a0a", "image/png"],
  ["ffd8ff", "image/jpeg"],
  ["47494638", "image/gif"],
  ["52494646", "image/webp"],
];

const hexBytesMax = 8_192;

function BlobView({ bytes }: { readonly bytes: readonly number[] }) {
  const start = hexOf(bytes.slice(0, 8));
  const type = pictures.find(([head]) => start.startsWith(head))?.[1];
  return (
    <>
      <p class="soft">
        A blob of {sizeText(bytes.length)} ({counted(bytes.length, "byte")})
      </p>
      {type !== undefined && <Picture bytes={bytes} type={type} />}
      <pre class="code hex">{hexDump(bytes.slice(0, hexBytesMax))}</pre>
      {bytes.length > hexBytesMax && <p class="soft">The rest is in the download.</p>}
    </>
  );
}

function Picture(
  { bytes, type }: { readonly bytes: readonly number[]; readonly type: string },
) {
  const [url, setUrl] = useState<string | undefined>(undefined);
  useEffect(() => {
    const made = URL.createObjectURL(
      new Blob([new Uint8Array(bytes)], { type }),
    );
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes]);
  return url === undefined ? null : <img class="preview" src={url} alt="What the blob shows" />;
}

/** Sixteen bytes a line, and what of them is text. */
function hexDump(bytes: readonly number[]): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.slice(at, at + 16);
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(
      " ",
    );
    const text = part.map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·");
    lines.push(
      `${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text.join("")}`,
    );
  }
  return lines.join("\n");
}
