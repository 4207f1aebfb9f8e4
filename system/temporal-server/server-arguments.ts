/** What a development server is told. Paths are absolute, ports are of the loopback interface. */
export interface ServerSettings {
  readonly databaseFile: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** KEY=JSON pairs of Temporal's dynamic configuration. */
  readonly dynamicConfig: readonly string[];
}

/**
 * The argument list of `temporal server start-dev` (Temporal CLI 1.9, `temporal server start-dev --help`).
 * Write-ahead logging makes the server five times as fast with a database file, and a crash of the process loses
 * nothing; only a power cut may lose the last transactions.
 */
export function serverArguments(settings: ServerSettings): readonly string[] {
  const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'];
  // Nobody's server should ask the internet for newer versions and news.
  const dynamic = ['frontend.enableServerVersionCheck=false', ...settings.dynamicConfig];
  return [
    ['server', 'start-dev', '--ip', '127.0.0.1', '--ui-disable-news-fetch'],
    ['--port', String(settings.port), '--ui-port', String(settings.uiPort)],
    ['--db-filename', settings.databaseFile, '--namespace', settings.namespace],
    ['--log-level', 'warn', '--log-format', 'text'],
    pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    dynamic.flatMap((pair) => ['--dynamic-config-value', pair]),
  ].flat();
}
