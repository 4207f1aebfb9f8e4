import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights, type ConvertRequest } from '../../system/weights/convert-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { callCli } from '../fixtures/call-cli.ts';
import { failureOf, safetensorsFile } from '../fixtures/weights/memory-source.ts';

const model = join(import.meta.dirname, '../../examples/sample/sample-llama');
const torchFixtures = join(import.meta.dirname, '../fixtures/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const [head, embedding] = ['lm_head.weight', 'model.embed_tokens.weight'];
const indexName = 'model.safetensors.index.json';

let work: string;
let tied: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-layout-'));
  tied = await tiedFolder('tied', '{"tie_word_embeddings": true}');
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function tiedFolder(name: string, config: string): Promise<string> {
  const folder = join(work, name);
  await mkdir(folder);
  await cp(join(torchFixtures, 'tied.bin'), join(folder, 'pytorch_model.bin'));
  await writeFile(join(folder, 'config.json'), config);
  return folder;
}

async function convert(to: string, request: Omit<ConvertRequest, 'to'>) {
  const folder = join(work, to);
  const report = await convertWeights({ ...request, to: folder }, scope);
  return { folder, report };
}

interface Index {
  readonly metadata: { readonly total_size: number };
  readonly weight_map: { readonly [name: string]: string };
}

async function readIndex(folder: string): Promise<Index> {
  return JSON.parse(await readFile(join(folder, indexName), 'utf8')) as Index;
}

describe('names that share one tensor, in safetensors', () => {
  it.each([
    ['drop-tied', { [head]: embedding }, 1],
    ['duplicate', {}, 2],
    [undefined, { [head]: embedding }, 1],
  ] as const)('with %s are left out and recorded, or written out', async (aliases, dropped, tensors) => {
    const choice = aliases === undefined ? {} : { aliases };

    const { folder, report } = await convert(`as-${aliases}`, {
      from: tied,
      format: 'safetensors',
      ...choice,
    });

    expect(report).toMatchObject({ aliases: dropped, tensors, notices: [] });
    const [file] = (await openWeights(folder)).files;
    expect(Object.fromEntries(file?.metadata ?? [])).toEqual({ format: 'pt', ...dropped });
    expect(await compareWeights(tied, folder, scope)).toMatchObject({ equal: true, tensors: 2 });
  });

  it('are written out when the config does not tie them, unless told otherwise and with a warning', async () => {
    const untied = await tiedFolder('untied', '{"tie_word_embeddings": false}');

    const { report } = await convert('untied-default', { from: untied, format: 'safetensors' });
    const { report: forced } = await convert('untied-dropped', {
      from: untied,
      format: 'safetensors',
      aliases: 'drop-tied',
    });

    expect(report).toMatchObject({ aliases: {}, tensors: 2 });
    expect(forced.notices).toEqual([
      `${head} was left out though the config does not tie it: only loaders that read the record find it`,
    ]);
  });

  it('are written out from a record when one asks for it, and the record goes', async () => {
    const { folder: recorded } = await convert('recorded', { from: tied, format: 'safetensors' });

    const { folder } = await convert('apart', {
      from: recorded,
      format: 'safetensors',
      aliases: 'duplicate',
    });

    const [file] = (await openWeights(folder)).files;
    expect(file?.tensors.map(({ name, aliasOf }) => [name, aliasOf])).toEqual([
      [head, undefined],
      [embedding, undefined],
    ]);
    expect([...(file?.metadata.keys() ?? [])]).toEqual(['format']);
  });

  it('never stand in the index when they were left out, whichever shard holds the kept one', async () => {
    const { folder } = await convert('tied-shards', {
      from: tied,
      format: 'safetensors',
      maxShardBytes: 1,
    });
    const { folder: many } = await convert('tied-many', {
      from: await withMore(tied),
      format: 'safetensors',
      maxShardBytes: 41,
    });

    expect(await readdir(folder)).toEqual(['config.json', 'model.safetensors']);
    expect((await readIndex(many)).weight_map).toEqual({
      [embedding]: 'model-00001-of-00002.safetensors',
      'x.weight': 'model-00002-of-00002.safetensors',
    });
    const { folder: bin } = await convert('tied-back', { from: many, format: 'bin' });
    expect((await openWeights(bin)).tensors.map(({ name, aliasOf }) => [name, aliasOf])).toContainEqual([
      head,
      embedding,
    ]);
  });
});

/** The tied model and one tensor more, in two files with an index. */
async function withMore(from: string): Promise<string> {
  const folder = join(work, 'more');
  await convertWeights({ from, to: folder, format: 'safetensors' }, scope);
  await rm(join(folder, 'config.json'));
  await writeFile(join(folder, 'config.json'), '{"tie_word_embeddings": true}');
  await cp(join(folder, 'model.safetensors'), join(folder, 'model-00001-of-00002.safetensors'));
  await rm(join(folder, 'model.safetensors'));
  const header = '{"x.weight":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}';
  await writeFile(join(folder, 'model-00002-of-00002.safetensors'), safetensorsFile(header, 8));
  return folder;
}

describe('dividing a folder anew', () => {
  it('fills files greedily, puts a large tensor alone and names every tensor once', async () => {
    const { folder, report } = await convert('divided', {
      from: model,
      format: 'safetensors',
      maxShardBytes: 1_000_000,
    });
    const index = await readIndex(folder);
    const opened = await openWeights(folder);
    const sizes = opened.files.map(({ tensors }) => tensors.map(({ bytes }) => bytes));

    expect(report.files.map(({ path }) => path)).toEqual(
      sizes.map((_, at) => shardName(at + 1, sizes.length)),
    );
    expect(Object.keys(index.weight_map)).toHaveLength(57);
    expect(index.metadata.total_size).toBe(13_638_144);
    expect(sizes.every((file) => file.length === 1 || sum(file) <= 1_000_000)).toBe(true);
    expect(opened.notices).toEqual([]);
    expect(await compareWeights(model, folder, scope)).toMatchObject({ equal: true, tensors: 57 });
  });

  it('leaves no index beside a single file', async () => {
    const { folder } = await convert('single', { from: model, format: 'safetensors', maxShardBytes: 5e9 });

    expect((await readdir(folder)).filter((name) => name.includes('model'))).toEqual(['model.safetensors']);
  });

  it('is asked for in decimal units on the command line', async () => {
    const [whole, wrong] = [
      await callCli([
        'convert',
        model,
        join(work, 'cli'),
        '--to',
        'bin',
        '--max-shard-size',
        '10MB',
        '--json',
      ]),
      await callCli(['convert', model, join(work, 'no'), '--to', 'bin', '--max-shard-size', '10 apples']),
    ];

    expect((JSON.parse(whole.stdout) as { files: unknown[] }).files).toHaveLength(2);
    expect([wrong.code, wrong.stderr]).toEqual([
      64,
      expect.stringContaining('10 apples is no size') as unknown,
    ]);
  });
});

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
const pad = (count: number): string => String(count).padStart(5, '0');
const shardName = (number: number, total: number): string =>
  `model-${pad(number)}-of-${pad(total)}.safetensors`;

describe('an index beside weights', () => {
  it.each([
    ['a total that fits nothing', 7, ['tells of 7 bytes in total, its tensors have 13638144']],
    ['a total that fits', 13_638_144, []],
    ['no total', undefined, []],
  ])('with %s gives a notice or none, and loads', async (what, total, notices) => {
    const folder = join(work, `index-${what.replaceAll(' ', '-')}`);
    await cp(model, folder, { recursive: true });
    const { weight_map } = await readIndex(folder);
    await rm(join(folder, indexName));
    await writeFile(join(folder, indexName), JSON.stringify({ metadata: { total_size: total }, weight_map }));

    const opened = await openWeights(folder);

    expect(opened.notices).toEqual(notices.map((text) => `${indexName} ${text}`));
  });

  it('has its notices shown by convert, inspect and compare', async () => {
    const folder = join(work, 'index-a-total-that-fits-nothing');
    const verbs = [
      ['inspect', folder],
      ['convert', folder, join(work, 'shown'), '--to', 'bin'],
      ['compare', folder, folder],
    ];

    for (const verb of verbs) expect((await callCli(verb)).stderr).toContain('tells of 7 bytes');
  });

  it('tells of a shard that it never names', async () => {
    const folder = join(work, 'unnamed');
    await cp(model, folder, { recursive: true });
    await writeFile(join(folder, 'model-00003-of-00003.safetensors'), safetensorsFile('{}'));

    expect((await openWeights(folder)).notices).toEqual([
      `model-00003-of-00003.safetensors is in no line of ${indexName} and was left out`,
    ]);
  });
});

describe('dtypes that not every torch has', () => {
  const file = async (name: string, dtype: string, shape: number[], bytes: number): Promise<string> => {
    const header = JSON.stringify({ w: { dtype, shape, data_offsets: [0, bytes] } });
    await writeFile(join(work, name), safetensorsFile(header, bytes));
    return join(work, name);
  };

  it('are written to bin with the release that reads them named', async () => {
    const from = await file('fp8.safetensors', 'F8_E8M0', [2, 3], 6);

    const { report } = await convert('fp8.bin', { from, format: 'bin' });

    expect(report.notices).toEqual(['torch 2.7 or later is needed to load F8_E8M0 from .bin']);
  });

  it.each([
    ['F6_E2M3', [4], 3, 'is F6_E2M3, which torch has no dtype for'],
    ['F6_E3M2', [8], 6, 'is F6_E3M2, which torch has no dtype for'],
    ['F4', [2, 3], 3, 'torch packs two items along an even last dimension'],
  ])('are refused by name where none has: %s %j', async (dtype, shape, bytes, problem) => {
    const from = await file(`${dtype}.safetensors`, dtype, shape, bytes);
    const request = { from, to: join(work, `${dtype}.bin`), format: 'bin' } as const;

    expect(await failureOf(convertWeights(request, scope))).toMatch(
      new RegExp(`WeightsUnsupported: .*${problem}`),
    );
    expect(await readdir(work)).not.toContain(`${dtype}.bin`);
  });
});
