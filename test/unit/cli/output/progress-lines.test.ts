import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Digest } from '../../../../core/domain/artifact.ts';
import { renderStepLine } from '../../../../cli/output/progress-lines.ts';
import type { StepLine } from '../../../../cli/run/read-progress.ts';

const running: StepLine = {
  id: 'build-engine',
  step: 'build-engine',
  variant: 'int8',
  summary: 'build and verify: int8',
  status: 'running',
  seconds: null,
  artifact: null,
  facts: {},
  failure: null,
  heartbeat: null,
  attempt: 1,
  lastFailure: null,
};
const artifact = { kind: 'engine', digest: 'a1'.repeat(32) as Digest, bytes: 10 } as const;
afterEach(() => void vi.unstubAllEnvs());

const line = (change: Partial<StepLine>): string => renderStepLine({ ...running, ...change }, false);

describe('the line of a step', () => {
  it.each<[string, Partial<StepLine>, string]>([
    ['has begun', {}, '▸ build-engine       int8  build and verify: int8'],
    [
      'waits for a worker',
      { heartbeat: { fraction: null, note: 'waits for a worker' } },
      '▸ build-engine       int8  build and verify: int8  waits for a worker',
    ],
    [
      'is under way',
      { heartbeat: { fraction: 0.999, note: 'tensor 9 of 10' } },
      '▸ build-engine       int8  build and verify: int8  99 % · tensor 9 of 10',
    ],
    [
      'is tried again',
      { attempt: 2, lastFailure: 'the tool ended with 9', heartbeat: { fraction: 0, note: '' } },
      '▸ build-engine       int8  build and verify: int8  0 % · attempt 2 after: the tool ended with 9',
    ],
    [
      'is done',
      { status: 'done', seconds: 4.26, artifact },
      '✔ build-engine       int8  build and verify: int8  4.3 s',
    ],
    ['is done at no time', { status: 'done' }, '✔ build-engine       int8  build and verify: int8  done'],
    [
      'was cached',
      { status: 'cached', seconds: 0.01, artifact },
      '◆ build-engine       int8  build and verify: int8  cached',
    ],
    [
      'has failed',
      { status: 'failed', failure: { name: 'ToolCrashed', message: 'it ended early', hint: 'Look.' } },
      '✘ build-engine       int8  build and verify: int8  ToolCrashed: it ended early',
    ],
    [
      'was cancelled',
      { status: 'cancelled' },
      '■ build-engine       int8  build and verify: int8  cancelled',
    ],
    ['waits', { status: 'waiting' }, '· build-engine       int8  build and verify: int8  waiting'],
    [
      'belongs to no variant',
      { variant: null, step: 'judge', summary: 'judge', status: 'done', seconds: 0 },
      '✔ judge              judge  0.0 s',
    ],
  ])('that %s', (_, change, text) => {
    expect(line(change)).toBe(text);
  });

  it('says the same in colour', () => {
    vi.stubEnv('FORCE_COLOR', '1');
    const painted = renderStepLine({ ...running, status: 'done', seconds: 1 }, true);

    expect(painted).toContain('\u001B[32m✔');
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', '1');
    expect(renderStepLine({ ...running, status: 'done', seconds: 1 }, true)).not.toContain('\u001B');
    expect(stripVTControlCharacters(painted)).toBe(line({ status: 'done', seconds: 1 }));
  });
});
