import type { EffectScope } from '../core/domain/progress.ts';
import type { Context } from './define-command.ts';

/** A scope for effects that run in this process: Ctrl-C aborts it, progress is drawn on a terminal only. */
export function effectScope({ signal, print }: Pick<Context, 'signal' | 'print'>, what: string): EffectScope {
  return {
    signal,
    onProgress: ({ fraction, note }) =>
      print.redraw([`${what}  ${Math.floor(fraction * 100)} %${note === undefined ? '' : `  ${note}`}`]),
  };
}
