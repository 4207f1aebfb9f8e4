import { BuildFailure } from '../../core/domain/failures.ts';

/** UsageInvalid for the first of `flags` that was given; `choice` is what makes it meaningless, e.g. `--scheme fp8`. */
export function refuseIdle<F extends string>(
  choice: string,
  flags: readonly F[],
  given: { readonly [flag in F]: string | boolean | undefined },
): void {
  const idle = flags.find((flag) => given[flag] !== undefined && given[flag] !== false);
  if (idle !== undefined) throw new BuildFailure('UsageInvalid', `--${idle} means nothing for ${choice}`);
}
