/**
 * The address that others can use for a git remote: `https` for GitHub's and others' ssh forms too, and never with a name
 * or password. `undefined` for a folder of this machine, which says nothing to anybody else.
 */
export function toRepositoryUrl(remote: string | undefined): string | undefined {
  if (remote === undefined) return undefined;
  const [, host, path] = /^(?:[^@/\s]+@)?([\w-]+(?:\.[\w-]+)+):(?!\/\/)([^\s]+)$/.exec(remote) ?? [];
  if (host !== undefined && path !== undefined) return toHttps(host, path);
  const url = URL.parse(remote);
  if (url === null || !["http:", "https:", "ssh:", "git:"].includes(url.protocol) || url.hostname === "") {
    return undefined;
  }
  return toHttps(url.protocol === "ssh:" ? url.hostname : url.host, url.pathname);
}

function toHttps(host: string, path: string): string {
  return `https://${host}/${path.replace(/^\/+/, "").replace(/(?:\.git)?\/*$/, "")}`;
}
