/** Of nodes that are learned: who answers for the cluster must not fill the client's memory. */
const learnedMax = 64;

/** The nodes that a client may turn to: those it was given before those it learned of. */
export class Nodes {
  readonly #given: readonly string[];
  readonly #schemes: ReadonlySet<string>;
  #learned: readonly string[] = [];
  #current: string;
  /** When one failed, as the how manieth of all failures. */
  readonly #failedAt = new Map<string, number>();
  #failures = 0;

  /** Throws a TypeError for what is no URL of a node. */
  constructor(urls: readonly string[]) {
    this.#given = [...new Set(urls.map(nodeUrl))];
    const [first] = this.#given;
    if (first === undefined) throw new TypeError("No node is given: name one at least by its URL");
    this.#current = first;
    this.#schemes = new Set(this.#given.map((url) => new URL(url).protocol));
  }

  /** The one to ask, without a slash at its end. */
  get current(): string {
    return this.#current;
  }

  get all(): readonly string[] {
    return [...new Set([...this.#given, ...this.#learned])];
  }

  /**
   * Replaces what was learned of the cluster. Where all that was given is HTTPS, no other scheme is
   * taken: credentials go there.
   */
  learn(urls: readonly string[]): void {
    const usable = urls.filter((url) =>
      URL.canParse(url) && this.#schemes.has(new URL(url).protocol)
    );
    this.#learned = usable.slice(0, learnedMax).map(nodeUrl);
    const known = new Set(this.all);
    for (const url of this.#failedAt.keys()) if (!known.has(url)) this.#failedAt.delete(url);
    if (!known.has(this.#current)) this.#current = this.#best();
  }

  /** A node has failed: the one that did so longest ago, or never, is asked from now on. */
  failed(url: string): void {
    this.#failedAt.set(url, ++this.#failures);
    if (url === this.#current) this.#current = this.#best();
  }

  #best(): string {
    const at = (url: string) => this.#failedAt.get(url) ?? 0;
    return this.all.reduce((best, url) => (at(url) < at(best) ? url : best));
  }
}

function nodeUrl(text: string): string {
  if (!URL.canParse(text)) {
    throw new TypeError(`${text} is not the URL of a node, like http://host:4001`);
  }
  const { protocol, username, password, origin, pathname } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") {
    throw new TypeError(`${text} is not the URL of a node: http or https`);
  }
  if (username !== "" || password !== "") {
    throw new TypeError(
      "A user stands in the URL of a node: give it by the options user and password",
    );
  }
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}
