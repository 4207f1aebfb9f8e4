import { describe, expect, it } from 'vitest';
import { renderTextTable } from '../../../cli/output/text-table.ts';
import { formatBytes } from '../../../cli/output/units.ts';
import { parsePort, parseWhole } from '../../../cli/parse-number.ts';

describe('a text table', () => {
  it('has columns as wide as they need, aligned, and no blank at the end of a line', () => {
    const text = renderTextTable({
      columns: ['name', 'n'],
      rows: [
        ['a', '1'],
        ['longer', '100'],
        ['', ''],
      ],
      alignment: ['left', 'right'],
    });

    expect(text.split('\n')).toEqual(['name      n', '──────  ───', 'a         1', 'longer  100', '']);
  });

  it('without rows is its head', () => {
    expect(renderTextTable({ columns: ['a'], rows: [], alignment: ['left'] })).toBe('a\n─');
  });
});

describe('a number of bytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1_000, '1.00 kB'],
    [12_345, '12.3 kB'],
    [999_400, '999 kB'],
    [999_500, '1.00 MB'],
    [999_999, '1.00 MB'],
    [999_999_999, '1.00 GB'],
    [13_600_000, '13.6 MB'],
    [7_000_000_000_000, '7.00 TB'],
    [7_000_000_000_000_000, '7000 TB'],
  ])('%d is written %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a whole number in a flag', () => {
  const bounds = { least: 1, most: 10 };

  it('is read within its bounds', () => {
    expect([parseWhole('--n', '1', bounds), parseWhole('--n', '10', bounds)]).toEqual([1, 10]);
    expect([parsePort('--port', undefined), parsePort('--port', '65535')]).toEqual([undefined, 65_535]);
  });

  it.each(['0', '11', '-1', '1.5', '1e1', '0x1', ' 1', '', 'ten', '９'])('is not "%s"', (text) => {
    expect(() => parseWhole('--n', text, bounds)).toThrow(
      expect.objectContaining({
        name: 'UsageInvalid',
        message: `--n must be a whole number from 1 to 10, not '${text}'`,
      }),
    );
  });
});
