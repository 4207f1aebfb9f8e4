import { describe, expect, it } from 'vitest';
import { chooseSolver, type MethodFlags, methodOptions } from '../../../../cli/quantize/choose-method.ts';
import { Recipe } from '../../../../config/recipe.ts';
import { QuantizationOptions } from '../../../../core/catalog/quantizations/registry.ts';

const none = Object.fromEntries(Object.keys(methodOptions).map((flag) => [flag, undefined])) as MethodFlags;
const choose = (flags: Partial<MethodFlags>) => chooseSolver({ ...none, ...flags });

describe('the flags of a method', () => {
  it('are none for rounding to nearest', () => {
    expect(choose({})).toBeNull();
    expect(choose({ method: 'rtn' })).toBeNull();
  });

  it.each<[Partial<MethodFlags>, object]>([
    [{ method: 'gptq', statistics: 's' }, { look: { statistics: 's' } }],
    [
      { method: 'gptq', statistics: 's', damp: '0.05', order: 'activation' },
      { method: { kind: 'gptq', damp: 0.05, order: 'activation' } },
    ],
    [{ method: 'awq', statistics: 's' }, { method: { kind: 'awq' } }],
    [{ method: 'smoothquant', statistics: 's', alpha: '1' }, { method: { kind: 'smoothquant', alpha: 1 } }],
    [
      { method: 'awq', calibration: 'c.jsonl', samples: '8', window: '64', seed: '0' },
      { look: { calibration: { file: 'c.jsonl', windows: 8, window: 64, seed: 0 } } },
    ],
  ])('%j choose what finds the codes', (flags, expected) => {
    expect(choose(flags)).toMatchObject(expected);
  });

  it('have the defaults of a recipe', () => {
    const recipe = Recipe.shape.calibration.unwrap().parse({ dataset: 'file:c.jsonl' });
    const { samples: windows, window, seed } = recipe;

    for (const name of ['gptq', 'awq', 'smoothquant'] as const) {
      const { method, ...own } = QuantizationOptions.parse({ method: name });
      const chosen = choose({ method: name, calibration: 'c.jsonl' });

      expect(chosen?.look).toEqual({ calibration: { file: 'c.jsonl', windows, window, seed } });
      expect({ ...own, kind: method }).toMatchObject(chosen?.method ?? {});
    }
  });

  it.each<[Partial<MethodFlags>, string]>([
    [{ method: 'gtpq' }, '--method is one of rtn, gptq, awq, smoothquant: did you mean gptq?'],
    [{ alpha: '0.5' }, '--alpha means nothing for --method rtn'],
    [{ calibration: 'c' }, '--calibration means nothing for --method rtn'],
    [{ method: 'gptq', calibration: 'c', alpha: '0.5' }, '--alpha means nothing for --method gptq'],
    [{ method: 'awq', calibration: 'c', damp: '0.1' }, '--damp means nothing for --method awq'],
    [
      { method: 'smoothquant', calibration: 'c', order: 'natural' },
      '--order means nothing for --method smoothquant',
    ],
    [{ method: 'awq', statistics: 's', samples: '8' }, '--samples means nothing for --statistics'],
    [{ method: 'awq', statistics: 's', calibration: 'c' }, '--calibration or --statistics, not both'],
    [{ method: 'awq' }, '--method awq needs --calibration FILE or --statistics FOLDER'],
    [{ method: 'gptq', statistics: 's', damp: '0' }, "--damp must be a number from 0.0001 to 1, not '0'"],
    [{ method: 'gptq', statistics: 's', damp: 'much' }, "not 'much'"],
    [
      { method: 'smoothquant', statistics: 's', alpha: '1.5' },
      "--alpha must be a number from 0 to 1, not '1.5'",
    ],
    [{ method: 'gptq', statistics: 's', order: 'natrual' }, 'did you mean natural?'],
    [{ method: 'awq', calibration: 'c', window: '4' }, '--window must be a whole number from 8'],
  ])('%j are refused: %s', (flags, message) => {
    expect(() => choose(flags)).toThrow(message);
  });
});
