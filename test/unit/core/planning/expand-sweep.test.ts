import { expect, it } from 'vitest';
import { expandSweep } from '../../../../core/planning/expand-sweep.ts';

const settings = { quantization: { method: 'weight-only', bits: 4 } };

it('gives the variant itself without axes', () => {
  expect(expandSweep('int4', settings, [])).toEqual([{ name: 'int4', settings }]);
});

it('sets one member and leaves the rest', () => {
  expect(expandSweep('int4', settings, [{ path: 'quantization.group', values: [32, 64] }])).toEqual([
    { name: 'int4-group-32', settings: { quantization: { ...settings.quantization, group: 32 } } },
    { name: 'int4-group-64', settings: { quantization: { ...settings.quantization, group: 64 } } },
  ]);
});

it('gives every combination of several axes, the last one changing fastest', () => {
  const axes = [
    { path: 'quantization.bits', values: [4, 8] },
    { path: 'quantization.symmetric', values: [true, false] },
  ];

  expect(expandSweep('int4', settings, axes).map(({ name }) => name)).toEqual([
    'int4-bits-4-symmetric-true',
    'int4-bits-4-symmetric-false',
    'int4-bits-8-symmetric-true',
    'int4-bits-8-symmetric-false',
  ]);
});

it('makes the members a path needs, also where something else stood', () => {
  expect(expandSweep('a', settings, [{ path: 'x.y', values: [1] }])[0]?.settings).toEqual({
    ...settings,
    x: { y: 1 },
  });
  expect(expandSweep('a', { x: 'text' }, [{ path: 'x.y', values: [1] }])[0]?.settings).toEqual({
    x: { y: 1 },
  });
});

it('writes values in lower case into names, as names must be', () => {
  expect(expandSweep('a', {}, [{ path: 'x', values: ['BF16'] }])).toEqual([
    { name: 'a-x-bf16', settings: { x: 'BF16' } },
  ]);
});

it('changes nothing it was given', () => {
  const before = structuredClone(settings);
  expandSweep('int4', settings, [{ path: 'quantization.bits', values: [8] }]);

  expect(settings).toEqual(before);
});
