import { BuildFailure, type FailureName } from '../../core/domain/failures.ts';
import { errorCode } from './atomic-write.ts';

/** The operating system's reason why `what` (a path, or words that end with one) cannot be read, as a failure of that name. */
export function unreadable(failure: FailureName, what: string, error: unknown): BuildFailure {
  return new BuildFailure(failure, `${what} cannot be read (${errorCode(error) ?? 'unknown'})`, {
    cause: error,
  });
}
