#!/bin/sh
# Deno's fetch sends a POST again by itself when the connection breaks that it used before: a server
# that has read a request, and dies or is cut off before its answer, gets it a second time, on a new
# connection, and the caller sees one answer and no error. So an INSERT is done twice; and where nobody
# listens any more the error is "Connection refused", as if nothing had ever been sent. RFC 9110, 9.2.2,
# lets a user agent repeat only what is idempotent. A body that is a stream is sent once; so is a
# request of a client without idle connections (Deno.createHttpClient({ poolMaxIdlePerHost: 0 })).
# Node's fetch does not repeat it.
# Seen 2026-11-29 with npm's deno 2.9.6: 3 of 3 sent twice; as streams 0 of 3.
# Needs node and npm. Ends with 1 when it behaves otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-fund --no-audit --prefix "$folder" deno@2.9.6 > "$folder/npm.log" 2>&1 || {
  cat "$folder/npm.log"
  exit 2
}
cat > "$folder/ask.ts" <<'END'
// Answers the first request of each connection, and ends the connection at the second.
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const seen = new Map<string, number>();
async function serve(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let text = "", requests = 0;;) {
    const read = await connection.read(buffer);
    if (read === null) return;
    text += new TextDecoder().decode(buffer.subarray(0, read));
    if (!/\r\n\r\n.*(\}|0\r\n\r\n)$/s.test(text)) continue;
    const path = /^POST (\S+)/.exec(text)?.[1] ?? "";
    seen.set(path, (seen.get(path) ?? 0) + 1);
    text = "";
    if (++requests === 2) return connection.close();
    await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  }
}
(async () => {
  for await (const connection of listener) serve(connection).catch(() => {});
})();
for (const kind of ["text", "stream"]) {
  for (let i = 0; i < 4; i++) {
    const text = '{"insert":1}';
    const body = kind === "text" ? text : new Blob([text]).stream();
    const url = `http://127.0.0.1:${listener.addr.port}/${kind}-${i}`;
    await fetch(url, { method: "POST", body }).then((response) => response.text(), () => {});
  }
  const twice = [...seen].filter(([path, times]) => path.startsWith(`/${kind}-`) && times > 1);
  console.log(`${kind}: ${twice.length > 0 ? "some" : "none"} sent twice (${twice.length})`);
}
Deno.exit();
END
seen=$("$folder/node_modules/.bin/deno" run -A "$folder/ask.ts")
echo "$seen"
case $seen in
"text: some sent twice"*"stream: none sent twice"*) ;;
*)
  echo "Changed"
  exit 1
  ;;
esac
