interface CheckProps {
  readonly words: string;
  readonly isOn: boolean;
  readonly set: (isOn: boolean) => void;
}

/** Something that is so, or not. */
export function Check({ words, isOn, set }: CheckProps) {
  return (
    <label class="row">
      <input
        type="checkbox"
        checked={isOn}
        onChange={({ currentTarget }) => set(currentTarget.checked)}
      />
      {words}
    </label>
  );
}

interface OnlyWithProps {
  /** What is left of a list. */
  readonly what: string;
  readonly value: string;
  readonly set: (value: string) => void;
}

/** Words that are to be in all that is shown. */
export function OnlyWith({ what, value, set }: OnlyWithProps) {
  return (
    <input
      class="field"
      type="search"
      aria-label={`Only ${what} with`}
      placeholder={`Only ${what} with…`}
      value={value}
      onInput={({ currentTarget }) => set(currentTarget.value)}
    />
  );
}
