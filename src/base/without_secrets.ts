/**
 * A text as it may be shown of what an operator has set: of URLs in it the scheme and the hosts, as
 * user, path and query may each be what lets in (the path of a webhook, say); and no settings in
 * JSON, which may hold any secret. "…" stands for what is left out.
 */
export function withoutSecrets(text: string): string {
  if (/^\s*[{[]/.test(text)) return "{…}";
  // A path may have commas, too: only what begins with a scheme is another URL.
  return text.split(/,(?=[a-z][a-z\d+.-]*:\/\/)/i).map(ofOneUrl).join(",");
}

function ofOneUrl(text: string): string {
  const [, scheme, hosts = "", rest = ""] =
    /^(.*?[a-z][a-z\d+.-]*:\/\/)([^/?#\\]*)(.*)$/is.exec(text) ?? [];
  if (scheme === undefined) return text;
  // A password may have commas and spaces: what is before the last @ need not be another host.
  const shown = hosts.replace(/^.*@/s, "…@");
  return scheme + shown + (rest === "" || rest === "/" ? rest : "/…");
}

/** The same of an argument, which may be `-flag=text`. */
export function argumentWithoutSecrets(argument: string): string {
  const [, flag = "", text = ""] = /^(-[^=]*=)?(.*)$/s.exec(argument) ?? [];
  return flag + withoutSecrets(text);
}
