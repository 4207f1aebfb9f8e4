import { once } from 'node:events';
import { createWorker } from '../../workers/create-worker.ts';
import { workerRoles } from '../../workers/worker-settings.ts';
import { searchAttributes } from '../../core/domain/search-attributes.ts';
import { prepareServer } from '../../system/temporal-server/prepare-server.ts';
import { choose } from '../choose.ts';
import { defineCommand } from '../define-command.ts';

export const worker = defineCommand({
  name: 'worker',
  summary: 'Run one worker process until it is told to stop.',
  positionals: '',
  options: {
    role: {
      type: 'string',
      value: workerRoles.join('|'),
      description: 'control runs workflows, cpu and engine run steps.',
    },
    address: {
      type: 'string',
      value: 'HOST:PORT',
      description: 'Temporal server (default: $TEMPORAL_ADDRESS or 127.0.0.1:7233).',
    },
    supervised: { type: 'boolean', description: 'End when stdin closes; used by enginewright up.' },
  },
  async run({ options, environment, home, signal, print }) {
    const role = choose('--role', options.role ?? '', workerRoles);
    const address = options.address ?? environment.temporalAddress ?? '127.0.0.1:7233';
    // The supervisor of an embedded server has done this already.
    if (!options.supervised) {
      const attributes = role === 'control' ? searchAttributes : [];
      await prepareServer(address, { namespace: environment.namespace, attributes });
    }
    const running = await createWorker({ role, address, home, environment });
    const stop = (): void => {
      if (running.getState() === 'RUNNING') running.shutdown();
    };
    signal.addEventListener('abort', stop);
    if (options.supervised) void once(process.stdin.resume(), 'end').then(stop);
    print.result({ ready: true, role, pid: process.pid }, `${role} worker ${process.pid} polls ${address}`);
    const ended = running.run();
    // Asked to stop while it was connecting: nobody listened yet.
    if (signal.aborted) stop();
    await ended;
    process.stdin.destroy();
  },
});
