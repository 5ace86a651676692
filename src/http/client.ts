/** Whose connection a request came over, and whoever watches what goes on there. */
export interface Client {
  /** Without its port. */
  readonly address: string;
  /** A request of this client is dealt with from now on. */
  begins(request: Request): void;
  /** It has its answer; returns what is to be sent. */
  answered(response: Response): Response;
}

/** Where nobody watches: requests that came over no connection. */
export const unwatched: Client = {
  address: "",
  begins() {},
  answered: (response) => response,
};
