interface Pending<Request> {
  readonly request: Request;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What a thread was asked and has not answered, by the number under which it is to answer. */
export class PendingRequests<Request> {
  readonly #pending = new Map<number, Pending<Request>>();
  #lastId = 0;

  get size(): number {
    return this.#pending.size;
  }

  some(holds: (request: Request) => boolean): boolean {
    for (const { request } of this.#pending.values()) if (holds(request)) return true;
    return false;
  }

  /** Gives a request its number, with which `post` sends it; settles as it is answered. */
  add<Result>(request: Request, post: (id: number) => void): Promise<Result> {
    const id = ++this.#lastId;
    return new Promise<Result>((resolve, reject) => {
      this.#pending.set(id, { request, resolve: resolve as (value: unknown) => void, reject });
      post(id);
    });
  }

  resolve(id: number, value: unknown): void {
    this.#take(id)?.resolve(value);
  }

  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error);
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #take(id: number): Pending<Request> | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
