import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

const goldens = join(import.meta.dirname, '../fixtures/goldens/peft');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
let made = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-merge-tokenizer-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

type Files = { readonly [name: string]: unknown };

/** A copy of a folder with more files; values that are no text or bytes are written as JSON. */
async function folderWith(from: string, files: Files): Promise<string> {
  const folder = join(work, `folder-${(made += 1)}`);
  await mkdir(folder);
  await cp(from, folder, { recursive: true });
  for (const [name, value] of Object.entries(files)) {
    const isRaw = typeof value === 'string' || value instanceof Uint8Array;
    await writeFile(join(folder, name), isRaw ? value : JSON.stringify(value));
  }
  return folder;
}

const words = Array.from({ length: 40 }, (_, id) => (id === 1 ? '<s>' : id === 2 ? '</s>' : `w${id}`));
const vocabularyOf = (texts: readonly string[]) => Object.fromEntries(texts.map((text, id) => [text, id]));
const tokenizer = (texts: readonly string[]) => ({ model: { vocab: vocabularyOf(texts) } });
const config = { bos_token: '<s>', eos_token: '</s>' };
const baseTokenizer = { 'tokenizer.json': tokenizer(words), 'tokenizer_config.json': config };

/** A SentencePiece ModelProto with nothing but pieces. */
function sentencePieceModel(texts: readonly string[]): Uint8Array {
  const message = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  return Buffer.concat(texts.map((text) => message(1, message(1, Buffer.from(text)))));
}

interface Merged {
  readonly base?: Files;
  readonly adapters: readonly Files[];
}

async function merge({ base = baseTokenizer, adapters }: Merged) {
  const baseFolder = await folderWith(join(goldens, 'bases', 'llama'), base);
  const folders = await Promise.all(
    adapters.map((files) => folderWith(join(goldens, 'plain', 'adapter'), files)),
  );
  const out = join(work, `out-${(made += 1)}`);
  const choices = folders.map((folder, at) => ({ folder, weight: 1, label: `adapter ${at + 1}` }));
  const report = await mergeAdapters(
    { base: baseFolder, baseName: 'bases/llama', adapters: choices, out, rounding: 'once' },
    scope,
  );
  const json = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8')) as object;
  return {
    report,
    json,
    names: await readdir(out),
    text: (name: string) => readFile(join(out, name), 'utf8'),
  };
}

describe('an adapter that brings a part of a tokenizer', () => {
  it('gives its chat template to the vocabulary of the base', async () => {
    const base = { ...baseTokenizer, 'chat_template.jinja': 'old' };

    const { report, text, json } = await merge({ base, adapters: [{ 'chat_template.jinja': 'new' }] });

    expect(report.tokenizer).toBe('adapter');
    expect(report.tokenizerDifference).toMatchObject({
      added: 0,
      removed: 0,
      changed: 0,
      chatTemplate: 'changed',
    });
    expect(await text('chat_template.jinja')).toBe('new');
    expect(await json('tokenizer.json')).toEqual(tokenizer(words));
  });

  it('gives its settings, and no older template of the base hides the one in them', async () => {
    const base = { ...baseTokenizer, 'chat_template.jinja': 'old' };
    const settings = { ...config, chat_template: 'new' };

    const { report, names, json } = await merge({ base, adapters: [{ 'tokenizer_config.json': settings }] });

    expect(report.tokenizerDifference?.chatTemplate).toBe('changed');
    expect(names).not.toContain('chat_template.jinja');
    expect(names).toContain('tokenizer.json');
    expect(await json('tokenizer_config.json')).toEqual(settings);
  });

  it('is warned about when its added tokens have no vocabulary to be in', async () => {
    const { report, names } = await merge({ adapters: [{ 'added_tokens.json': { '<new>': 39 } }] });

    expect(report.warnings.join()).toContain('adapter 1 brings added_tokens.json without a vocabulary');
    expect(report.warnings.join()).toContain('<new>');
    expect(names).not.toContain('added_tokens.json');
  });

  it('is not warned about when the base knows its added tokens', async () => {
    const { report } = await merge({ adapters: [{ 'added_tokens.json': { w39: 39 } }] });

    expect(report.warnings).toEqual([]);
    expect(report.tokenizer).toBe('base');
  });

  it('adds tokens to a base whose vocabulary is in the older form', async () => {
    const base = { 'vocab.json': vocabularyOf(words.slice(0, 30)), 'tokenizer_config.json': config };

    const { report, json } = await merge({ base, adapters: [{ 'added_tokens.json': { '<new>': 30 } }] });

    expect(report.tokenizerDifference).toMatchObject({ added: 1, firstAdded: ['<new>'] });
    expect(await json('added_tokens.json')).toEqual({ '<new>': 30 });
  });

  it('keeps the settings of the base when it brings a vocabulary alone', async () => {
    const base = { ...baseTokenizer, 'merges.txt': 'a b' };

    const { names, json } = await merge({ base, adapters: [{ 'tokenizer.json': tokenizer(words) }] });

    expect(await json('tokenizer_config.json')).toEqual(config);
    expect(names).not.toContain('merges.txt');
  });
});

describe('a vocabulary in another form than tokenizer.json', () => {
  const grown = [...words, '<new>'];

  it.each<[string, Files]>([
    ['tokenizer.model', { 'tokenizer.model': sentencePieceModel(grown) }],
    ['vocab.json', { 'vocab.json': vocabularyOf(grown), 'merges.txt': '' }],
    ['vocab.txt', { 'vocab.txt': `${grown.join('\n')}\n` }],
  ])('asks for its rows: %s', async (_, files) => {
    expect(await failureOf(merge({ adapters: [{ ...files, 'tokenizer_config.json': config }] }))).toBe(
      "AdapterMismatch: The adapter's tokenizer needs 41 embedding rows, the merged model has 40",
    );
  });

  it('is compared with the base', async () => {
    const files = {
      'tokenizer.model': sentencePieceModel(['x', ...words.slice(1, 39)]),
      'tokenizer_config.json': config,
    };

    const { report } = await merge({ adapters: [files] });

    expect(report.tokenizerDifference).toMatchObject({ added: 0, changed: 1, removed: 1 });
  });

  it('is warned about when it cannot be read', async () => {
    const files = { 'tokenizer.model': 'IQ== 0\n', 'tokenizer_config.json': config };

    const { report, names } = await merge({ adapters: [files] });

    expect(report.warnings.join()).toContain(
      'adapter 1: the vocabulary in tokenizer.model, tokenizer_config.json cannot be read',
    );
    expect(names).toContain('tokenizer.model');
  });

  it('may not give one id two meanings', async () => {
    const one = { 'vocab.json': vocabularyOf(words) };
    const two = { 'vocab.json': vocabularyOf(words.with(3, 'other')) };

    expect(await failureOf(merge({ adapters: [one, two] }))).toBe(
      'AdapterMismatch: The tokenizers of adapter 1 and adapter 2 disagree about token 3',
    );
  });
});

describe('special tokens that moved', () => {
  const chat = words.with(39, '<|end|>');
  const files = {
    'tokenizer.json': tokenizer(chat),
    'tokenizer_config.json': { ...config, eos_token: '<|end|>' },
  };

  it('move the ids of config.json and generation_config.json, which is told', async () => {
    const base = {
      ...baseTokenizer,
      'generation_config.json': { bos_token_id: 1, eos_token_id: [2], pad_token_id: 0 },
    };

    const { report, json } = await merge({ base, adapters: [files] });

    expect(await json('config.json')).toMatchObject({ bos_token_id: 1, eos_token_id: 39, pad_token_id: 0 });
    expect(await json('generation_config.json')).toEqual({
      bos_token_id: 1,
      eos_token_id: [2, 39],
      pad_token_id: 0,
    });
    expect(report.warnings).toEqual([
      'config.json: eos_token_id 2 is now 39 (<|end|>)',
      'generation_config.json: eos_token_id [2] is now [2,39] (<|end|>)',
    ]);
  });

  it('that did not move leave the ids of the base alone', async () => {
    const base = { ...baseTokenizer, 'generation_config.json': { eos_token_id: [2, 7] } };

    const { report, json } = await merge({ base, adapters: [baseTokenizer] });

    expect(await json('generation_config.json')).toEqual({ eos_token_id: [2, 7] });
    expect(report.warnings).toEqual([]);
  });
});
