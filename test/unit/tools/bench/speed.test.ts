import { describe, expect, it } from 'vitest';
import { renderPage } from '../../../../tools/bench/speed-page.ts';
import { type SizeRecord, spreadOf, withSize } from '../../../../tools/bench/speed-record.ts';
import { judge } from '../../../../tools/bench/speed-targets.ts';
import { parseOptions } from '../../../../tools/bench/weights-options.ts';

function sizeWith(seconds: { readonly [name: string]: number }, gigabytes = 2): SizeRecord {
  const contenders = Object.entries(seconds).map(([name, median]) => ({
    name,
    title: name,
    seconds: { min: median, median, max: median },
    cpuSeconds: { min: 1, median: 1, max: 1 },
    peakBytes: 100e6,
  }));
  return {
    gigabytes,
    command: 'npm run bench:weights',
    date: '2026-11-23T00:00:00.000Z',
    rounds: 1,
    machine: { processor: 'a processor', cores: 2, memoryBytes: 8e9 },
    versions: { Node: '20' },
    model: { bytes: 2e9, tensors: 10, largestBytes: 100e6, layers: 1 },
    contenders,
  };
}

describe('the spread of runs', () => {
  it('has a middle that was measured, also of an even number', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ min: 1, median: 2, max: 4 });
  });
});

describe('the targets', () => {
  it('are judged by ratios of medians', () => {
    const judged = judge(sizeWith({ copy: 4, 'to-bin': 5, 'torch-to-bin': 14, merge: 7, int4: 7.5 }));

    const verdicts = new Map(judged.map(({ target, measured, met }) => [target, [measured, met]]));
    expect(verdicts.get('to .bin, speed of cp -r: at least 0.8 ×')).toEqual(['0.80 ×', true]);
    expect(verdicts.get('to .bin, torch takes: at least 3 ×')).toEqual(['2.80 ×', false]);
    expect(verdicts.get('merge, of the conversion to .bin: at most 1.3 ×')).toEqual(['1.40 ×', false]);
    expect(verdicts.get('int4, of the conversion to .bin: at most 1.5 ×')).toEqual(['1.50 ×', true]);
  });

  it('leave out what did not run', () => {
    expect(judge(sizeWith({ copy: 4 }))).toEqual([]);
  });

  it('bound the memory by the largest tensor', () => {
    const size = sizeWith({ 'to-bin': 5 });
    const heavy = { ...size, contenders: size.contenders.map((row) => ({ ...row, peakBytes: 557e6 })) };

    expect(judge(size).map(({ met }) => met)).toEqual([true]);
    expect(judge(heavy).map(({ met }) => met)).toEqual([false]);
  });
});

describe('the record', () => {
  it('keeps the other sizes, smallest first', () => {
    const record = withSize({ sizes: [sizeWith({}, 4), sizeWith({ copy: 1 }, 2)] }, sizeWith({ copy: 2 }, 2));

    expect(record.sizes.map(({ gigabytes }) => gigabytes)).toEqual([2, 4]);
    expect(record.sizes[0]?.contenders[0]?.seconds.median).toBe(2);
  });

  it('becomes a page with a table for each size', () => {
    const page = renderPage({ sizes: [sizeWith({ copy: 4, 'to-bin': 5 }), sizeWith({}, 4)] });

    expect(page).toContain('## 2 GB');
    expect(page).toContain('| to-bin | 5.00 | 5.00 | 5.00 | 400 | 0.80 | 1.00 | 100 |');
    expect(page).toContain('## 4 GB');
  });
});

describe('the flags', () => {
  it('have defaults, and help instead of a run', () => {
    expect(parseOptions([])).toMatchObject({ gigabytes: 2, rounds: 3, python: null, only: [], json: false });
    expect(parseOptions(['--help'])).toBeUndefined();
    expect(parseOptions(['--only', 'copy,merge'])?.only).toEqual(['copy', 'merge']);
  });

  it.each([
    [['--rounds', '0'], '--rounds must be a number above 0, not 0'],
    [['--gigabytes', 'many'], '--gigabytes must be a number above 0, not many'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ])('refuse %j', (args, problem) => {
    expect(() => parseOptions(args)).toThrow(problem);
  });
});
