import { describe, expect, it } from 'vitest';
import type { MethodName } from '../../../../cli/quantize/choose-method.ts';
import { chooseScheme, type SchemeFlags } from '../../../../cli/quantize/choose-scheme.ts';

const none: SchemeFlags = {
  scheme: undefined,
  group: undefined,
  asymmetric: false,
  convention: undefined,
  block: undefined,
  activations: undefined,
  layout: undefined,
};

describe('the flags of quantize', () => {
  it.each<[Partial<SchemeFlags>, object]>([
    [
      { scheme: 'int4' },
      {
        grid: { kind: 'integer', bits: 4, group: 128, symmetric: true, convention: 'centred' },
        layout: 'compressed-tensors',
        activations: 'none',
      },
    ],
    [
      { scheme: 'int4', group: '32', asymmetric: true, layout: 'awq' },
      { grid: { bits: 4, group: 32, symmetric: false }, layout: 'awq' },
    ],
    [{ scheme: 'int8', convention: 'full' }, { grid: { bits: 8, group: null, convention: 'full' } }],
    [{ scheme: 'int4', group: 'row' }, { grid: { bits: 4, group: null } }],
    [{ scheme: 'fp8' }, { grid: { kind: 'fp8', block: [1, null] }, activations: 'dynamic' }],
    [
      { scheme: 'fp8', block: 'tensor', activations: 'none' },
      { grid: { block: [null, null] }, activations: 'none' },
    ],
    [{ scheme: 'nvfp4' }, { grid: { kind: 'nvfp4' }, activations: 'none' }],
  ])('%j choose a scheme', (flags, expected) => {
    expect(chooseScheme({ ...none, ...flags })).toMatchObject(expected);
  });

  it.each<[Partial<SchemeFlags>, string]>([
    [{}, 'quantize needs --scheme int8|int4|fp8|nvfp4'],
    [{ scheme: 'int5' }, '--scheme is one of int8, int4, fp8, nvfp4: did you mean int8?'],
    [
      { scheme: 'int4', layout: 'gtpq' },
      '--layout is one of compressed-tensors, gptq, gptq_v2, awq: did you mean gptq?',
    ],
    [{ scheme: 'fp8', group: '32' }, '--group means nothing for --scheme fp8'],
    [{ scheme: 'nvfp4', asymmetric: true }, '--asymmetric means nothing for --scheme nvfp4'],
    [{ scheme: 'int8', block: 'row' }, '--block means nothing for --scheme int8'],
    [{ scheme: 'int4', group: 'x' }, "--group must be a whole number from 8 to 65536, not 'x'"],
  ])('%j are refused: %s', (flags, message) => {
    expect(() => chooseScheme({ ...none, ...flags })).toThrow(message);
  });

  it('of smoothquant need no scheme: weights and activations are int8', () => {
    expect(chooseScheme({ ...none, convention: 'restricted' }, 'smoothquant')).toEqual({
      grid: { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'restricted' },
      layout: 'compressed-tensors',
      activations: 'dynamic',
    });
  });

  it.each<[MethodName, Partial<SchemeFlags>, string]>([
    ['gptq', {}, 'quantize needs --scheme'],
    ['gptq', { scheme: 'fp8' }, '--scheme fp8 means nothing for --method gptq'],
    ['awq', { scheme: 'nvfp4' }, '--scheme nvfp4 means nothing for --method awq'],
    ['smoothquant', { scheme: 'int4' }, '--scheme int4 means nothing for --method smoothquant'],
    ['smoothquant', { group: '32' }, '--group means nothing for --method smoothquant'],
    ['smoothquant', { asymmetric: true }, '--asymmetric means nothing for --method smoothquant'],
    ['smoothquant', { layout: 'gptq' }, '--layout gptq means nothing for --method smoothquant'],
    ['smoothquant', { activations: 'none' }, '--activations none means nothing for --method smoothquant'],
  ])('of %s are refused where they do not belong: %j', (method, flags, message) => {
    expect(() => chooseScheme({ ...none, ...flags }, method)).toThrow(message);
  });
});
