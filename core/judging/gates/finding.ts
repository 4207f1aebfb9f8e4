import type { MetricAbsence } from '../metrics/reading.ts';
import type { Finding } from './gate.ts';

/** A figure that is not there: missing is an error, too few samples is inconclusive; neither passes. */
export function findAbsence(metric: string, { absent, reason }: MetricAbsence): Finding {
  const verdict = absent === 'missing' ? 'error' : 'inconclusive';
  return { verdict, sentence: `${metric} cannot be judged: ${reason}.`, value: null, interval: null };
}

/** `300 samples`. */
export function countOf(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
