import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql, SQLite } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Tables and their columns, to be completed. */
export type Names = Readonly<Record<string, readonly string[]>>;

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly onChange: (text: string) => void;
  /** Ctrl-Enter, or Command-Enter. */
  readonly onRun: () => void;
}

export interface Editor {
  /** What is selected; all of it when nothing is. */
  readonly chosen: string;
  set(text: string): void;
  complete(names: Names): void;
  focus(): void;
  destroy(): void;
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--second)" },
  { tag: [tags.comment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.typeName], color: "var(--warn)" },
]);

const look = EditorView.theme({
  "&": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    fontSize: "14px",
  },
  // Its gutters would cover an outline: style/sql.css draws one over all of it.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    lineHeight: "1.55",
    minHeight: "9rem",
    maxHeight: "40vh",
  },
  ".cm-content": { caretColor: "var(--accent)", padding: "0.6rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-gutters": {
    backgroundColor: "var(--surface)",
    color: "var(--soft)",
    border: "0",
    paddingLeft: "0.4rem",
  },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--sunken) 60%, transparent)",
  },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    {
      backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent) !important",
    },
  ".cm-placeholder": { color: "var(--soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "7px",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-matchingBracket": {
    backgroundColor: "var(--accent-soft) !important",
    color: "inherit",
  },
});

/** An editor of SQL, in a shadow of its own: so its styles need nothing that the page's policy forbids. */
export function createEditor(
  { parent, text, onChange, onRun }: EditorOptions,
): Editor {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const language = new Compartment();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Mod-Enter", run: () => (onRun(), true) }]),
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        // Tab leaves the editor, as everywhere on a page, unless Escape was pressed before.
        keymap.of([
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap.filter(({ key }) => key !== indentWithTab.key),
        ]),
        language.of(sql({ dialect: SQLite })),
        syntaxHighlighting(colours),
        placeholder("SELECT …"),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": "SQL",
          spellcheck: "false",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
        look,
      ],
    }),
  });
  return {
    get chosen() {
      const { doc, selection: { main } } = view.state;
      return main.empty ? doc.toString() : doc.sliceString(main.from, main.to);
    },
    set(next) {
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: next },
      });
    },
    complete(names) {
      const schema = Object.fromEntries(
        Object.entries(names).map(([table, columns]) => [table, [...columns]]),
      );
      view.dispatch({
        effects: language.reconfigure(
          sql({ dialect: SQLite, schema, upperCaseKeywords: true }),
        ),
      });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
