/** The pieces of a text that goes on, as many at a time as have come whole: none for a part of one. */
export async function* piecesOf(response: Response, separator: string): AsyncGenerator<string[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    while (reader !== undefined) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (text + value).split(separator);
      text = parts.pop() ?? "";
      yield parts;
    }
  } finally {
    await reader?.cancel();
  }
}
