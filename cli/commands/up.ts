import { once } from 'node:events';
import { setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../system/process/is-alive.ts';
import { packageRoot } from '../../system/package-root.ts';
import { startStack } from '../../system/supervisor/start-stack.ts';
import { readStackRecord } from '../../system/supervisor/stack-record.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import { workerRoles } from '../../workers/worker-settings.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { defineCommand } from '../define-command.ts';
import { definedVariables } from '../../config/environment.ts';
import { parsePort } from '../parse-number.ts';

/** How often a stack that belongs to another process looks whether it is still there. */
const ownerPollMs = 1_000;

export const up = defineCommand({
  name: 'up',
  summary: 'Run the embedded Temporal server and its workers until told to stop.',
  positionals: '',
  options: {
    port: { type: 'string', value: 'PORT', description: 'Port of the server (default: a free one).' },
    'ui-port': { type: 'string', value: 'PORT', description: 'Port of the web UI (default: a free one).' },
    hub: {
      type: 'string',
      value: 'DIR',
      description: 'Also serve the repositories in DIR as a model hub for the workers.',
    },
    owner: { type: 'string', value: 'PID', description: 'End when this process is gone.' },
  },
  async run({ options, environment, home, signal, print }) {
    const running = await readStackRecord(home);
    // In a restarted container our own id may be the one that is recorded.
    if (running !== null && running.pid !== process.pid)
      throw new BuildFailure('ServerFailed', `process ${running.pid} already runs a stack in ${home}`, {
        hint: 'Use it, or end that process first.',
      });
    const main = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url),
    );
    await using stack = await startStack(
      {
        home,
        namespace: environment.namespace,
        temporalExecutable: await locateTemporalServer({
          root: packageRoot(),
          override: environment.temporalPath ?? undefined,
        }),
        port: parsePort('--port', options.port),
        uiPort: parsePort('--ui-port', options['ui-port']),
        hubRoot: options.hub,
        roles: workerRoles,
        workerArgs: (role) => [...process.execArgv, main, 'worker', '--role', role, '--supervised'],
        env: definedVariables(environment),
        onNote: (note) => print.note(note),
      },
      signal,
    );
    const { address, uiAddress, hubEndpoint } = stack.record;
    const hub = hubEndpoint === null ? '' : `\nmodel hub  ${hubEndpoint}`;
    print.result(stack.record, `server     ${address}\nweb UI     ${uiAddress}${hub}\nhome       ${home}\n`);
    await endOf(signal, options.owner === undefined ? null : Number(options.owner));
  },
});

async function endOf(signal: AbortSignal, owner: number | null): Promise<void> {
  if (signal.aborted) return;
  const gone = new AbortController();
  const timer = setInterval(() => {
    if (owner !== null && !isAlive(owner)) gone.abort();
  }, ownerPollMs);
  await once(AbortSignal.any([signal, gone.signal]), 'abort');
  clearInterval(timer);
}
