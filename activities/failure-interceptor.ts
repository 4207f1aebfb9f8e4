import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { failures, isBuildFailure, type BuildFailure } from '../core/domain/failures.ts';

/** The server cuts stored retry failures at 4 KiB; details stay well under it. */
const maxDetailBytes = 2_500;

/**
 * The one place where a BuildFailure becomes Temporal's: its name is the type, its retry class decides, hint and
 * facts travel as details. Anything else that is thrown is a bug and keeps its stack.
 */
export class FailureInterceptor implements ActivityInboundCallsInterceptor {
  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      // An abort surfaces as whatever it broke below; the truth is that this activity was cancelled.
      const { cancellationSignal } = Context.current();
      if (cancellationSignal.aborted) throw cancellationReason(cancellationSignal.reason);
      if (isBuildFailure(error)) throw toApplicationFailure(error);
      throw error;
    }
  }
}

function cancellationReason(reason: unknown): Error {
  return reason instanceof Error ? reason : new CancelledFailure('CANCELLED');
}

export function toApplicationFailure(failure: BuildFailure): ApplicationFailure {
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.name,
    nonRetryable: failures[failure.name].retry === 'never',
    details: [{ hint: failure.hint, ...clip(failure.details) }],
  });
}

function clip(details: BuildFailure['details']): object {
  const text = asJson(details);
  const bytes = Buffer.from(text);
  if (bytes.length <= maxDetailBytes) return JSON.parse(text) as object;
  return { clipped: bytes.subarray(0, maxDetailBytes).toString('utf8') };
}

/** Details are anything; what JSON cannot hold must not hide the failure itself. */
function asJson(details: object): string {
  try {
    return JSON.stringify(details);
  } catch {
    return '{}';
  }
}
