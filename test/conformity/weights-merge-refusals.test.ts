import { cp, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeAdapters, type MergeAdaptersRequest } from '../../system/weights/merge-adapters.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

const goldens = join(import.meta.dirname, '../fixtures/goldens/peft');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
let made = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-merge-refusals-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function copyOf(...path: readonly string[]): Promise<string> {
  const folder = join(work, `copy-${(made += 1)}`);
  await cp(join(goldens, ...path), folder, { recursive: true });
  return folder;
}

async function changeJson(file: string, fields: object): Promise<void> {
  await writeFile(
    file,
    JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...fields }),
  );
}

/** Makes the last item of a tensor a quiet NaN, or an infinity. */
async function spoil(folder: string, name: string, what: 'nan' | 'inf'): Promise<void> {
  const { tensors } = await openWeights(folder, { prefer: 'adapter' });
  const tensor = tensors.find((one) => one.name === name);
  if (tensor === undefined) throw new Error(`${folder} has no ${name}`);
  const upper = tensor.dtype === 'F16' ? [0x00, 0x7c] : [0x80, 0x7f];
  const bytes = Buffer.from([
    (upper[0] ?? 0) | (what === 'nan' ? 0x40 : 0),
    (upper[1] ?? 0) | (what === 'nan' ? 0x02 : 0),
  ]);
  await using file = await open(tensor.file, 'r+');
  await file.write(bytes, 0, 2, tensor.offset + tensor.bytes - 2);
}

interface Merge extends Partial<Omit<MergeAdaptersRequest, 'adapters' | 'out'>> {
  readonly base: string;
  readonly folders: readonly string[];
  readonly sources?: readonly string[];
}

function merge({ folders, sources, ...request }: Merge) {
  const adapters = folders.map((folder, at) => {
    const source = sources?.[at];
    return { folder, weight: 1, label: `adapter ${at + 1}`, ...(source === undefined ? {} : { source }) };
  });
  const out = join(work, `out-${(made += 1)}`);
  return mergeAdapters({ rounding: 'peft-default', ...request, adapters, out }, scope);
}

const llama = join(goldens, 'bases', 'llama');
const plain = join(goldens, 'plain', 'adapter');

describe('values that are not finite', () => {
  it.each([
    ['a saved module', 'llama', 'saved-modules', 'lm_head', 'weight'],
    ['a saved vector', 'llama', 'saved-modules', 'model.norm', 'weight'],
    ['a trained bias', 'qwen2', 'bias-only', 'model.layers.0.self_attn.q_proj', 'bias'],
    ['a base layer', 'llama', 'embedding', 'model.embed_tokens', 'weight'],
  ])('are refused in %s, with its name and the adapter', async (_, base, kind, module, parameter) => {
    const adapter = await copyOf(kind, 'adapter');
    const { tensors } = await openWeights(adapter, { prefer: 'adapter' });
    const key =
      tensors.find(({ name }) => name.includes(`${module}.`) && name.endsWith(`.${parameter}`))?.name ?? '';
    const baseFolder = join(goldens, 'bases', base);
    for (const what of ['nan', 'inf'] as const) {
      await spoil(adapter, key, what);

      const failure = await failureOf(
        merge({ base: baseFolder, folders: [plain, adapter].slice(base === 'llama' ? 0 : 1) }),
      );

      const label = base === 'llama' ? 'adapter 2' : 'adapter 1';
      expect(failure).toMatch(
        new RegExp(
          `^MergeNotFinite: merging "${module}\\.${parameter}" gives -?${what} at .*\\(${label}\\)$`,
        ),
      );
    }
    expect((await readdir(work)).filter((name) => name.startsWith('out-'))).toEqual([]);
  });
});

describe('a base that does not belong to an adapter', () => {
  it('is refused by the repository it was saved from, unless that is asked for', async () => {
    const [base, adapter] = [await copyOf('bases', 'llama'), await copyOf('plain', 'adapter')];
    await changeJson(join(base, 'config.json'), { _name_or_path: 'org/other' });
    await changeJson(join(adapter, 'adapter_config.json'), { base_model_name_or_path: 'org/llama' });

    expect(await failureOf(merge({ base, folders: [adapter] }))).toBe(
      'AdapterMismatch: adapter 1 was trained on org/llama, the base is org/other',
    );
    expect((await merge({ base, folders: [adapter], anyBase: true })).warnings).toEqual([
      'adapter 1 was trained on org/llama, the base is org/other',
    ]);
    expect((await merge({ base, folders: [adapter], baseName: 'org/llama' })).warnings).toEqual([]);
  });

  it('is refused when its weights are codes', async () => {
    const base = await copyOf('bases', 'llama');
    await changeJson(join(base, 'config.json'), { quantization_config: { quant_method: 'awq' } });

    expect(await failureOf(merge({ base, folders: [plain] }))).toMatch(
      /^AdapterUnsupported: config\.json of the base has quantization_config \(awq\)/,
    );
  });
});

describe('checkpoints of one run', () => {
  // Two runs of the goldens: their changes have no direction in common.
  const folders = [plain, join(goldens, 'sequence', 'adapter-2')];

  it.each([
    ['folders', ['/runs/a/checkpoint-1000', '/runs/a/checkpoint-2000']],
    ['revisions of a repository', ['org/run@checkpoint-1000', 'org/run@checkpoint-2000']],
  ])('are known by where they come from, whatever the store calls them: %s', async (_, sources) => {
    const { warnings } = await merge({ base: llama, baseName: 'bases/llama', folders, sources });

    expect(warnings.join()).toContain('adapter 1 and adapter 2 look like states of one run');
  });

  it('are not what two runs are', async () => {
    const sources = ['/runs/a/checkpoint-1000', '/runs/b/checkpoint-1000'];

    expect((await merge({ base: llama, baseName: 'bases/llama', folders, sources })).warnings).toEqual([]);
  });
});

it('keeps the rows that are stored when the config names fewer', async () => {
  const base = await copyOf('bases', 'llama');
  await changeJson(join(base, 'config.json'), { vocab_size: 10 });

  const report = await merge({ base, baseName: 'bases/llama', folders: [plain] });

  expect(report.vocabulary).toEqual({ before: 40, after: 40, averaged: 0 });
});
