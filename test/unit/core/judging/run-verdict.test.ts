import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../../core/domain/run-result.ts';
import { runVerdict } from '../../../../core/judging/run-verdict.ts';

const baseline = (verdict: Verdict) => ({ isBaseline: true, verdict });
const candidate = (verdict: Verdict) => ({ isBaseline: false, verdict });

describe('runVerdict', () => {
  it('passes when one candidate passes, whatever the others do', () => {
    expect(runVerdict([baseline('pass'), candidate('error'), candidate('pass')])).toBe('pass');
  });

  it('does not pass because of the baseline alone when there are candidates', () => {
    expect(runVerdict([baseline('pass'), candidate('fail')])).toBe('fail');
  });

  it('is the worst of the candidates when none passes', () => {
    expect(runVerdict([baseline('pass'), candidate('inconclusive'), candidate('error')])).toBe('error');
  });

  it('is that of the baseline when it is alone', () => {
    expect(runVerdict([baseline('inconclusive')])).toBe('inconclusive');
  });
});
