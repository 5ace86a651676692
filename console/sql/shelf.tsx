import { useState } from "preact/hooks";
import { Dialog, Question } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { history, type KeptQuery, saved } from "./history.ts";

interface ShelfProps {
  readonly onTake: (sql: string) => void;
  readonly onClose: () => void;
}

/** What was run in this browser, and what was kept under a name. */
export function ShelfDialog({ onTake, onClose }: ShelfProps) {
  const [, update] = useState(0);
  const change = (act: () => void) => () => {
    act();
    update((count) => count + 1);
  };
  const take = ({ sql }: KeptQuery) => () => {
    onTake(sql);
    onClose();
  };
  const foot = (
    <>
      <button
        type="button"
        class="button"
        onClick={change(() => history.clear())}
      >
        Forget the history
      </button>
      <button type="button" class="button main-one" onClick={onClose}>
        Close
      </button>
    </>
  );
  return (
    <Dialog title="Saved and recent" wide onClose={onClose} foot={foot}>
      <p class="soft small">
        Kept in this browser, without the values of parameters.
      </p>
      <h3>Saved</h3>
      <Queries
        queries={saved.all}
        take={take}
        remove={(one) => change(() => saved.remove(one))}
      />
      <h3>Recent</h3>
      <Queries
        queries={history.all}
        take={take}
        remove={(one) => change(() => history.remove(one))}
      />
    </Dialog>
  );
}

interface QueriesProps {
  readonly queries: readonly KeptQuery[];
  readonly take: (query: KeptQuery) => () => void;
  readonly remove: (query: KeptQuery) => () => void;
}

function Queries({ queries, take, remove }: QueriesProps) {
  if (queries.length === 0) return <p class="soft">Nothing yet.</p>;
  return (
    <ul class="queries">
      {queries.map((query) => (
        <li key={query.name ?? query.sql}>
          <button
            type="button"
            class="button quiet query"
            onClick={take(query)}
          >
            {query.name && <strong>{query.name}</strong>}
            <code>{query.sql.replace(/\s+/g, " ").slice(0, 160)}</code>
          </button>
          <button
            type="button"
            class="button quiet"
            aria-label="Forget it"
            onClick={remove(query)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface SaveProps {
  readonly sql: string;
  readonly onClose: () => void;
}

export function SaveDialog({ sql, onClose }: SaveProps) {
  const [name, setName] = useState("");
  return (
    <Question
      title="Save this text"
      verb="Save"
      onClose={onClose}
      act={() => {
        if (name.trim() === "") {
          return Promise.reject(
            new Error("It needs a name"),
          );
        }
        saved.add({ name: name.trim(), sql });
        return Promise.resolve();
      }}
    >
      <label class="labelled">
        Name
        <input
          class="field"
          autofocus
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <p class="soft small">
        It is kept in this browser. Of the same name there is one only.
      </p>
    </Question>
  );
}
