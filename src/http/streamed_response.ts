/** A response whose body is a stream, so that its end is not that of the handler. */
export class StreamedResponse extends Response {}

/** A response that says of itself whether it streams: to ask one for its body costs too much. */
export function responseOf(body: BodyInit | null, init?: ResponseInit): Response {
  return body instanceof ReadableStream
    ? new StreamedResponse(body, init)
    : new Response(body, init);
}
