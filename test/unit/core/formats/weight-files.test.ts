import { describe, expect, it } from 'vitest';
import {
  chooseWeightFiles,
  formatOfFile,
  isCompanion,
  renameWeightFile,
} from '../../../../core/formats/weight-files.ts';

const choose = (names: string[], prefer: 'model' | 'adapter' = 'model') =>
  chooseWeightFiles({ folder: '/m', names, prefer });

describe('the weight files of a folder', () => {
  it.each([
    [['config.json', 'model.safetensors'], 'safetensors', ['model.safetensors']],
    [['pytorch_model.bin', 'model.safetensors'], 'safetensors', ['model.safetensors']],
    [['pytorch_model.bin', 'training_args.bin'], 'bin', ['pytorch_model.bin']],
    [['adapter_model.bin', 'adapter_config.json'], 'bin', ['adapter_model.bin']],
    [['training_args.bin', 'custom.safetensors'], 'safetensors', ['custom.safetensors']],
    [
      ['model-00002-of-00002.safetensors', 'model-00001-of-00002.safetensors'],
      'safetensors',
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
    ],
  ])('of %j are %s %j', (names, format, files) => {
    expect(choose(names)).toMatchObject({ format, files });
  });

  it('prefer an adapter where one is asked for', () => {
    const names = ['model.safetensors', 'adapter_model.safetensors'];

    expect(choose(names).role).toBe('model');
    expect(choose(names, 'adapter').role).toBe('adapter');
  });

  it('come with their index', () => {
    expect(choose(['pytorch_model.bin.index.json', 'pytorch_model-00001-of-00001.bin'])).toMatchObject({
      index: 'pytorch_model.bin.index.json',
    });
  });

  it.each([
    [['config.json']],
    [['model-00001-of-00002.safetensors']],
    [['a.safetensors', 'b.safetensors']],
    [['training_args.bin']],
  ])('are missing in %j', (names) => {
    expect(() => choose(names)).toThrow(expect.objectContaining({ name: 'WeightsMissing' }));
  });
});

describe('names in the other format', () => {
  it.each([
    ['model.safetensors', 'bin', 'pytorch_model.bin'],
    ['model-00001-of-00003.safetensors', 'bin', 'pytorch_model-00001-of-00003.bin'],
    ['pytorch_model-00002-of-00003.bin', 'safetensors', 'model-00002-of-00003.safetensors'],
    ['adapter_model.bin', 'safetensors', 'adapter_model.safetensors'],
    ['adapter_model.safetensors', 'safetensors', 'adapter_model.safetensors'],
    ['consolidated.00.pth', 'safetensors', 'consolidated.00.safetensors'],
  ] as const)('%s as %s is %s', (name, format, expected) => {
    expect(renameWeightFile(name, format)).toBe(expected);
  });

  it('are not made for files of other kinds', () => {
    expect(() => formatOfFile('model.gguf')).toThrow(expect.objectContaining({ name: 'WeightsUnsupported' }));
  });
});

describe('companions', () => {
  it('are everything but weights, indexes and hidden files', () => {
    const names = [
      'config.json',
      'tokenizer.model',
      'README.md',
      'model.safetensors',
      'pytorch_model.bin',
      'x.gguf',
      'model.safetensors.index.json',
      '.gitattributes',
    ];

    expect(names.filter(isCompanion)).toEqual(['config.json', 'tokenizer.model', 'README.md']);
  });
});
