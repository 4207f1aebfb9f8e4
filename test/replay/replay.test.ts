import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const logged: string[] = [];
const logger = new DefaultLogger('WARN', ({ message }) => void logged.push(message));

/** Made by tools/record-history.ts from runs of a real server. */
const recorded = [
  'run-recipe',
  'run-recipe-approved',
  'run-recipe-calibrated',
  'run-recipe-failed-variants',
  'produce-engine',
  'produce-engine-measured',
  'produce-engine-failed',
] as const;

/** Event types without their common prefix. */
const scheduled = 'ACTIVITY_TASK_SCHEDULED';

const bundle = (file: string): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({ workflowsPath: at(file), logger });

interface RecordedEvent {
  readonly eventType: string;
  readonly userMetadata?: { readonly summary?: { readonly data: string } };
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType: { readonly name: string };
    readonly heartbeatTimeout: string;
  };
  readonly activityTaskFailedEventAttributes?: {
    readonly failure: { readonly applicationFailureInfo: { readonly type: string } };
  };
}

interface HistoryFile {
  readonly events: readonly [
    RecordedEvent & { readonly workflowExecutionStartedEventAttributes: { readonly workflowId: string } },
    ...RecordedEvent[],
  ];
}

async function readHistory(name: string): Promise<HistoryFile> {
  return JSON.parse(await readFile(at(`histories/${name}.json`), 'utf8')) as HistoryFile;
}

async function replay(name: string, workflowBundle: WorkflowBundleWithSourceMap): Promise<void> {
  const history = await readHistory(name);
  // Children are named after their parent, so it must have the name it had.
  const { workflowId } = history.events[0].workflowExecutionStartedEventAttributes;
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
}

beforeAll(() => {
  Runtime.install({ logger });
});

describe('recorded histories', () => {
  let workflowBundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    workflowBundle = await bundle('../../workflows/index.ts');
  });

  it('are all replayed here', async () => {
    const files = await readdir(at('histories'));

    expect(files.toSorted()).toEqual(recorded.map((name) => `${name}.json`).toSorted());
  });

  it.each(recorded)('%s replays with the workflows as they are', async (name) => {
    await expect(replay(name, workflowBundle)).resolves.toBeUndefined();
  });

  it.each(recorded)('%s says in a sentence what each step and each workflow is', async (name) => {
    const { events } = await readHistory(name);
    const told = new Set([
      'WORKFLOW_EXECUTION_STARTED',
      'START_CHILD_WORKFLOW_EXECUTION_INITIATED',
      scheduled,
    ]);
    const telling = events.filter(({ eventType }) => told.has(eventType.slice('EVENT_TYPE_'.length)));

    expect(activitiesOf(events).length).toBeGreaterThan(0);
    expect(telling.length).toBeGreaterThan(activitiesOf(events).length);
    for (const { userMetadata } of telling) {
      const text: unknown = JSON.parse(Buffer.from(userMetadata?.summary?.data ?? '""', 'base64').toString());
      expect(text).toEqual(expect.stringMatching(/^\S.{3,}$/));
    }
  });

  it.each(recorded)('%s gives every step a heartbeat by which a dead worker is missed', async (name) => {
    const steps = activitiesOf((await readHistory(name)).events);

    expect(steps.map((step) => step?.heartbeatTimeout)).toEqual(steps.map(() => '20s'));
  });

  it('hold every step of a run, and steps that failed', async () => {
    const events = (await Promise.all(recorded.map(readHistory))).flatMap((history) => history.events);
    const kinds = new Set(activitiesOf(events).map((step) => step?.activityType.name));
    const failed = events.flatMap(({ activityTaskFailedEventAttributes: attributes }) =>
      attributes === undefined ? [] : [attributes.failure.applicationFailureInfo.type],
    );

    const folders = await readdir(at('../../activities'), { withFileTypes: true });
    const steps = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);

    expect(kinds).toEqual(new Set(steps));
    expect(failed.toSorted()).toEqual(['EngineInvalid', 'QuantizationUnfit']);
  });

  it.each(recorded)('%s names neither a machine nor a place on it', async (name) => {
    const text = withPlainPayloads(await readHistory(name));

    expect(text).toContain('quantization');
    expect(text).not.toMatch(/\/(tmp|home|root|usr|work|Users)\//);
    expect(text).not.toMatch(/localhost|127\.0\.0\.1/);
    expect(text.split(/[^\w.-]+/)).not.toContain(hostname());
  });
});

describe('a workflow changed under runs', () => {
  let workflowBundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    workflowBundle = await bundle('wrong/workflows.ts');
  });

  it.each<[(typeof recorded)[number], string, string]>([
    ['run-recipe', 'convert-checkpoint', 'judge'],
    ['run-recipe-approved', 'convert-checkpoint', 'judge'],
    ['run-recipe-calibrated', 'convert-checkpoint', 'judge'],
    ['run-recipe-failed-variants', 'convert-checkpoint', 'judge'],
    ['produce-engine', 'build-engine', 'try-engine'],
    ['produce-engine-measured', 'build-engine', 'try-engine'],
    ['produce-engine-failed', 'build-engine', 'try-engine'],
  ])('is caught by %s, which went on with %s and not with %s', async (name, before, now) => {
    const replayed = replay(name, workflowBundle);

    await expect(replayed).rejects.toMatchObject({
      name: 'DeterminismViolationError',
      message: expect.stringMatching(`'${before}' does not match .*'${now}'`) as string,
    });
  });
});

it('does not bundle a workflow that touches the machine', async () => {
  await expect(bundle('wrong/impure.ts')).rejects.toThrow('Webpack finished with errors');

  expect(logged.join('\n')).toMatch(/node:fs|disallowed/);
});

function activitiesOf(events: readonly RecordedEvent[]) {
  return events
    .filter(({ eventType }) => eventType === `EVENT_TYPE_${scheduled}`)
    .map(({ activityTaskScheduledEventAttributes: attributes }) => attributes);
}

/** Payloads travel as base64, which would hide a path from a search. */
function withPlainPayloads(history: object): string {
  return JSON.stringify(history, (key, value: unknown) =>
    key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
  );
}
