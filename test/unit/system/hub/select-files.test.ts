import { describe, expect, it } from 'vitest';
import { matchesAny } from '../../../../system/hub/file-name-match.ts';
import type { HubFile } from '../../../../system/hub/hub-file.ts';
import { selectFiles } from '../../../../system/hub/select-files.ts';

const files = (...paths: string[]): HubFile[] =>
  paths.map((path) => ({ path, bytes: 1, oid: '0'.repeat(40) }));
const selected = (paths: string[], selection = {}) =>
  selectFiles(files(...paths), selection).map(({ path }) => path);

describe('selectFiles', () => {
  it('takes safetensors and leaves the bin copy with its index behind', () => {
    const paths = ['config.json', 'model.safetensors', 'pytorch_model.bin', 'pytorch_model.bin.index.json'];
    expect(selected(paths)).toEqual(['config.json', 'model.safetensors']);
  });

  it('takes bin shards and their index when there is nothing else', () => {
    const paths = [
      'pytorch_model-00001-of-00002.bin',
      'pytorch_model-00002-of-00002.bin',
      'pytorch_model.bin.index.json',
    ];
    expect(selected([...paths, 'training_args.bin', 'model.safetensors.index.json'])).toEqual(paths);
  });

  it('takes the adapter file of an adapter repository', () => {
    expect(selected(['adapter_config.json', 'adapter_model.bin'])).toEqual([
      'adapter_config.json',
      'adapter_model.bin',
    ]);
  });

  it('skips other frameworks, originals, variants, code and the README, and keeps the licence', () => {
    const unwanted = [
      'model.gguf',
      'tf_model.h5',
      'flax_model.msgpack',
      'onnx/model.onnx',
      'original/params.json',
      'original/consolidated.00.pth',
      'consolidated.safetensors',
      'model.fp16.safetensors',
      'fp16/model.safetensors',
      'modeling_x.py',
      'README.md',
      '.gitattributes',
    ];
    const wanted = [
      'LICENSE',
      'NOTICE.md',
      'USE_POLICY.md',
      'model.safetensors',
      'tokenizer.model',
      'chat_template.jinja',
      'merges.txt',
    ];
    expect(selected([...unwanted, ...wanted])).toEqual(wanted);
  });

  it('looks into folders only when the top has no weights', () => {
    expect(selected(['a/model.safetensors', 'config.json'])).toEqual(['a/model.safetensors', 'config.json']);
  });

  it('never lets weights of the other format in from a folder', () => {
    expect(selected(['pytorch_model.bin', 'sub/model.safetensors'])).toEqual(['pytorch_model.bin']);
  });

  it('follows allow to the letter, and ignore wins over it', () => {
    const paths = ['model.gguf', 'sub/model.gguf', 'README.md', 'config.json'];
    expect(selected(paths, { allow: ['*.gguf', 'README*'], ignore: ['sub/'] })).toEqual([
      'model.gguf',
      'README.md',
    ]);
  });

  it('falls back to bin when safetensors are ignored', () => {
    expect(selected(['model.safetensors', 'pytorch_model.bin'], { ignore: ['*.safetensors'] })).toEqual([
      'pytorch_model.bin',
    ]);
  });
});

describe('matchesAny', () => {
  it.each([
    ['data/a/b.json', 'data/*.json', true],
    ['b.JSON', '*.json', false],
    ['x1.bin', 'x?.bin', true],
    ['x12.bin', 'x?.bin', false],
    ['a.bin', '[ab].bin', true],
    ['a.bin', '[!ab].bin', false],
    ['m.bin', '[a-c].bin', false],
    ['].bin', '[]].bin', true],
    ['[a.bin', '[a.bin', true],
    ['^.bin', '[^a].bin', true],
    ['b.bin', '[^a].bin', false],
    ['sub/deep/x', 'sub/', true],
    ['sub', 'sub/', false],
    ['a\\b', 'a/b', true],
    ['', '*', true],
    ['abc', '', false],
    ['a.b', 'a?b', true],
    ['a\nb', '*b', true],
  ])('%j against %j: %j', (path, pattern, matches) => {
    expect(matchesAny(path, [pattern])).toBe(matches);
  });

  it('answers at once where a regular expression would need ages', () => {
    expect(matchesAny('a'.repeat(5000), [`${'*a'.repeat(50)}*b`])).toBe(false);
  });

  it('knows shards of which there are a hundred thousand and more', () => {
    const shards = ['model-000001-of-100001.safetensors', 'model-100001-of-100001.safetensors'];

    expect(selected([...shards, 'model.fp16.safetensors'])).toEqual(shards);
  });
});
