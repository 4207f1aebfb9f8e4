import type { ReportGate } from '../../domain/report.ts';
import { findDegeneration } from '../../metrics/degenerate.ts';
import { textsOf } from '../metrics/texts.ts';
import { missing } from '../metrics/reading.ts';
import { countOf, findAbsence } from './finding.ts';
import type { Finding, GateContext, GateKind } from './gate.ts';

/**
 * Looping, empty or broken texts. When the baseline has as many on the same prompts, the model or the prompts are the
 * cause; that cannot be told from a fault of the variant, so it neither passes nor fails.
 */
export const noDegenerateGate = {
  rule: 'no-degenerate',
  meaning: 'The engine does not loop, fall silent or write broken characters.',
  bound: 'the largest share of degenerate texts allowed, 0 to 1',
  allows: (bound) => bound >= 0 && bound <= 1,
  metrics: ['trial.degenerate', 'summary.degenerate'],
  judge: judgeTexts,
} as const satisfies GateKind;

function judgeTexts(gate: ReportGate, { candidate, baseline, isBaseline }: GateContext): Finding {
  const texts = textsOf(candidate, gate.metric);
  if (texts === null) return findAbsence(gate.metric, missing('it does not count degenerate texts'));
  if (texts.length === 0) return findAbsence(gate.metric, missing('the engine wrote no text to look at'));
  const bad = texts.flatMap(({ id, text }) => {
    const reason = findDegeneration(text);
    return reason === null ? [] : [{ id, reason }];
  });
  const value = bad.length / texts.length;
  const [first] = bad;
  const example = first === undefined ? '' : ` (${first.id}: ${first.reason})`;
  const found = `${bad.length} of ${countOf(texts.length, 'text')} ${bad.length === 1 ? 'is' : 'are'} degenerate${example}`;
  if (value <= gate.bound) return { verdict: 'pass', sentence: `${found}.`, value, interval: null };
  const others = (textsOf(baseline, gate.metric) ?? []).filter(({ text }) => findDegeneration(text) !== null);
  if (!isBaseline && others.length >= bad.length) {
    const sentence = `${found}, but so are ${others.length} of the baseline: the model or the prompts are the cause.`;
    return { verdict: 'inconclusive', sentence, value, interval: null };
  }
  const allowed = gate.bound === 0 ? 'none' : `a share of ${gate.bound}`;
  return { verdict: 'fail', sentence: `${found}; ${allowed} is allowed.`, value, interval: null };
}
