import { FlagError } from "./flag_error.ts";

/** Whether a word of a command line is a URL, and no file's name. */
export function isUrl(word: string): boolean {
  return /^https?:\/\//.test(word);
}

/** Reads the URL of a node that stands on a command line. Throws a FlagError. */
export function nodeUrl(word: string): URL {
  if (!isUrl(word) || !URL.canParse(word)) {
    throw new FlagError(2, `${word} is not a URL`);
  }
  const url = new URL(word);
  if (url.username === "" && url.password === "") return url;
  throw new FlagError(
    2,
    "The URL holds a user or password, which lists of processes show: use -user",
  );
}
