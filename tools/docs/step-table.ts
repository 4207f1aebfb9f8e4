import { stepContracts } from '../../activities/contracts.ts';
import { markdownTable } from './markdown-table.ts';

/** Every cached step: what it makes, who runs it, and what its key covers besides inputs and parameters. */
export function stepTable(): string {
  return markdownTable(
    ['Step', 'Makes', 'Queue', 'Key also covers', 'One attempt', 'Stalled after'],
    stepContracts.map(
      ({ name, version, produces, worker, dependsOn, startToCloseTimeout, stallTimeoutMs }) => [
        `\`${name}\` v${version}`,
        produces,
        worker === 'cpu' ? '`cpu`' : "the toolchain's",
        [
          ...(dependsOn.toolchain ? ['toolchain'] : []),
          ...(dependsOn.machine === 'none' ? [] : [machines[dependsOn.machine]]),
        ].join(', ') || '–',
        startToCloseTimeout,
        `${stallTimeoutMs / 60_000} min`,
      ],
    ),
  );
}

const machines = { cpu: 'instruction set', host: 'the very machine' } as const;
