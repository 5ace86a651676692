import { hasSoundAuthority } from "../url_authority.ts";
import { parseQueryParameters, type QueryParameters } from "../query_parameters.ts";

/** URLs that are remembered; clients have few. */
const urlsMax = 256;

/**
 * What requests ask for by their URLs, of those for one path that give only some parameters; any
 * other is undefined, be it for being wrong.
 */
export class UrlMemo<Meaning> {
  readonly #path: string;
  readonly #known: ReadonlySet<string>;
  readonly #meaning: (parameters: QueryParameters) => Meaning | undefined;
  readonly #seen = new Map<string, Meaning | undefined>();

  constructor(
    path: string,
    known: readonly string[],
    meaning: (parameters: QueryParameters) => Meaning | undefined,
  ) {
    this.#path = path;
    this.#known = new Set(known);
    this.#meaning = meaning;
  }

  /** To be asked of URLs that come again and again. */
  get(url: string): Meaning | undefined {
    let meaning = this.#seen.get(url);
    if (meaning === undefined && !this.#seen.has(url)) {
      if (this.#seen.size >= urlsMax) this.#seen.clear();
      this.#seen.set(url, meaning = this.read(url));
    }
    return meaning;
  }

  /** The same of any other URL. */
  read(url: string): Meaning | undefined {
    const path = this.#path;
    const pathAt = url.indexOf("/", url.indexOf("//") + 2);
    if (pathAt < 0 || !url.startsWith(path, pathAt)) return undefined;
    const queryAt = pathAt + path.length;
    if (url.length > queryAt && url[queryAt] !== "?") return undefined;
    if (!hasSoundAuthority(url)) return undefined;
    let parameters: QueryParameters;
    try {
      parameters = parseQueryParameters(url.slice(queryAt + 1));
    } catch {
      return undefined;
    }
    for (const key of parameters.keys()) if (!this.#known.has(key)) return undefined;
    return this.#meaning(parameters);
  }
}
