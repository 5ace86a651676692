import { useState } from "preact/hooks";
import { messageOf } from "../src/base/message_of.ts";
import { whoami } from "./api/client.ts";
import { basic, bearer, keepCredentials, type Who } from "./api/session.ts";
import { Failure } from "./parts/dialog.tsx";
import { Mark } from "./parts/mark.tsx";

/** Asks for a name and password, or a token; they are kept for this tab alone. */
export function SignIn(
  { onSignedIn }: { readonly onSignedIn: (who: Who) => void },
) {
  const [byToken, setByToken] = useState(false);
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure("");
    keepCredentials(byToken ? bearer(secret) : basic(name, secret));
    try {
      const who = await whoami();
      if (who.user === null) {
        throw new Error(byToken ? "No such token" : "Wrong name or password");
      }
      onSignedIn(who);
    } catch (error) {
      keepCredentials(undefined);
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <div class="sign-in">
      <div class="card">
        <form onSubmit={submit}>
          <div class="row">
            <Mark />
            <h1>Sign in</h1>
          </div>
          {!byToken && (
            <label class="labelled">
              Name
              <input
                class="field"
                autocomplete="username"
                required
                autofocus
                value={name}
                onInput={({ currentTarget }) => setName(currentTarget.value)}
              />
            </label>
          )}
          <label class="labelled">
            {byToken ? "Token" : "Password"}
            <input
              class="field"
              type="password"
              autocomplete={byToken ? "off" : "current-password"}
              required
              value={secret}
              onInput={({ currentTarget }) => setSecret(currentTarget.value)}
            />
          </label>
          <Failure text={failure} />
          <button type="submit" class="button main-one" disabled={isBusy}>
            {isBusy ? "Asking…" : "Sign in"}
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() => {
              setByToken(!byToken);
              setSecret("");
            }}
          >
            {byToken ? "Use a name and password" : "Use a token"}
          </button>
        </form>
      </div>
    </div>
  );
}
