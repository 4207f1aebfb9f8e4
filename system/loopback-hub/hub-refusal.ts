/** An answer other than 2xx, in the hub's own form: `X-Error-Code`, `X-Error-Message` and `{error}` as JSON. */
export class HubRefusal extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: { readonly [name: string]: string };

  constructor(
    status: number,
    message: string,
    extra: { readonly code?: string; readonly headers?: HubRefusal['headers'] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = extra.code;
    this.headers = extra.headers ?? {};
  }
}

export function repositoryNotFound(): HubRefusal {
  return new HubRefusal(404, 'Repository not found', { code: 'RepoNotFound' });
}

export function revisionNotFound(revision: string): HubRefusal {
  return new HubRefusal(404, `Invalid rev id: ${printable(revision)}`, { code: 'RevisionNotFound' });
}

/** The commit goes along: huggingface_hub remembers with it that the file does not exist. */
export function entryNotFound(path: string, commit: string): HubRefusal {
  const headers = { 'x-repo-commit': commit };
  return new HubRefusal(404, `${printable(path)} does not exist on "main"`, {
    code: 'EntryNotFound',
    headers,
  });
}

/** Header values take visible ASCII only. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
