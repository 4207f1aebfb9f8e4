import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { BuildFailure, failures, isFailureName } from '../../../core/domain/failures.ts';
import { FailureInterceptor } from '../../../activities/failure-interceptor.ts';

const names = Object.keys(failures).filter(isFailureName);

/** What Temporal is given when an activity throws this. */
async function surfaced(thrown: unknown, isCancelled = false): Promise<unknown> {
  const environment = new MockActivityEnvironment();
  const interceptor = new FailureInterceptor();
  if (isCancelled) environment.cancel();
  return await environment
    .run(() =>
      interceptor.execute({ args: [], headers: {} }, async () => {
        throw thrown;
      }),
    )
    .then(
      () => 'nothing',
      (error: unknown) => error,
    );
}

describe('a BuildFailure', () => {
  it.each(names)('%s keeps its name as type and is retried as its row says', async (name) => {
    const failure = await surfaced(new BuildFailure(name, 'what happened', { hint: 'what to do' }));

    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: name,
      message: 'what happened',
      nonRetryable: failures[name].retry === 'never',
      details: [{ hint: 'what to do' }],
    });
  });

  it('brings its facts along, with the advice of its row as hint', async () => {
    const failure = await surfaced(new BuildFailure('ToolFailed', 'no', { details: { exitCode: 2 } }));

    expect(failure).toMatchObject({ details: [{ hint: failures.ToolFailed.advice, exitCode: 2 }] });
  });

  it.each(['x', '界', '"'])('with endless facts (%s…) is cut so that the server keeps it', async (letter) => {
    const failure = await surfaced(
      new BuildFailure('ToolFailed', 'no', { details: { tail: letter.repeat(50_000) } }),
    );

    expect(failure).toMatchObject({ details: [{ hint: expect.any(String), clipped: expect.any(String) }] });
    const [{ clipped }] = (failure as ApplicationFailure).details as [{ clipped: string }];
    expect(Buffer.byteLength(clipped)).toBeLessThanOrEqual(2_510);
  });

  it('with facts that JSON cannot hold is still itself', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;

    expect(await surfaced(new BuildFailure('ToolFailed', 'no', { details: circle }))).toMatchObject({
      type: 'ToolFailed',
      message: 'no',
    });
  });
});

describe('a cancelled activity', () => {
  it.each([
    ['an error of a library', new DOMException('This operation was aborted', 'AbortError')],
    ['a failure that the abort caused', new BuildFailure('ToolCrashed', 'was ended by SIGTERM')],
    ['a cancellation', new CancelledFailure('CANCELLED')],
  ])('is cancelled, whatever surfaced: %s', async (_, thrown) => {
    expect(await surfaced(thrown, true)).toBeInstanceOf(CancelledFailure);
  });
});

it('anything else stays what it is, with its stack', async () => {
  const bug = new TypeError('undefined is not a function');

  expect(await surfaced(bug)).toBe(bug);
});
