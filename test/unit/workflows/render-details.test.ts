import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../core/domain/artifact.ts';
import type { RunState, StepState } from '../../../core/domain/run-state.ts';
import { renderConclusion } from '../../../workflows/render-conclusion.ts';
import { renderDetails } from '../../../workflows/render-details.ts';

const digest = 'a1'.repeat(32) as Digest;

const step: StepState = {
  id: 'score-engine/summarize',
  step: 'score-engine',
  variant: 'int8',
  summary: 'score: summarize 48 samples',
  status: 'done',
  seconds: 4.71,
  artifact: { kind: 'scores', digest, bytes: 10 },
  facts: { kind: 'summarize', samples: 48, rouge1: 78.298568 },
  failure: null,
};

const stateOf = (...steps: StepState[]): RunState => ({ steps, children: {}, awaiting: null });

const judged = {
  verdict: 'pass',
  headline: 'int8 passes every gate.',
  variants: { int8: 'pass' },
  table: { columns: ['Variant', 'Size', 'Verdict'], rows: [['int8', '7.39 MB', 'pass']] },
} as const;

describe('the details of a run in the Temporal UI', () => {
  it('tell of each step what it did, how long it took and which figures came out', () => {
    expect(renderDetails(stateOf(step), '')).toBe(
      '- ✔ **score-engine** score: summarize 48 samples, 4.7 s → samples 48, rouge1 78.30, `a1a1a1a1a1a1`',
    );
  });

  it('name the failure of a failed step and what was wrong', () => {
    const failure = { name: 'ToolCrashed', message: 'the tool\nended | early', hint: '' };

    expect(renderDetails(stateOf({ ...step, status: 'failed', artifact: null, failure }), '')).toContain(
      String.raw`→ **ToolCrashed**: the tool ended \| early`,
    );
  });

  it('begin with verdict, headline and figures once the run is judged', () => {
    const conclusion = renderConclusion(judged, { kind: 'report', digest, bytes: 1 });

    const [verdict, , headline, , variant] = renderDetails(stateOf(step), conclusion).split('\n');

    expect([verdict, headline, variant]).toEqual([
      '## pass',
      'int8 passes every gate.',
      '- **int8**: Size 7.39 MB, Verdict pass',
    ]);
  });

  it('stay under what the server keeps, however wide the sweep', () => {
    const rows = Array.from({ length: 500 }, (_, index) => [`variant-${index}`, '7.39 MB', 'pass']);
    const wide = { ...judged, table: { ...judged.table, rows } };
    const steps = Array.from({ length: 500 }, (_, index) => ({ ...step, id: `step ${index}` }));

    const failure = { name: 'ToolCrashed', message: 'it ended early. '.repeat(150), hint: '' };
    const children = Object.fromEntries(rows.map(([name]) => [String(name), `run/${name}`]));
    const state = { ...stateOf(...steps, { ...step, status: 'failed', failure }), children };

    const details = renderDetails(state, renderConclusion(wide, { kind: 'report', digest, bytes: 1 }));

    expect(Buffer.byteLength(details)).toBeLessThan(20_000);
  });
});
