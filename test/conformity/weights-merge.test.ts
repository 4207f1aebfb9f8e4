import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planMerge, type MergedTensor } from '../../core/formats/peft/plan-merge.ts';
import type { MergePiece } from '../../core/domain/weights-plan.ts';
import { readConfigFacts } from '../../system/weights/companions.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { openAdapter } from '../../system/weights/open-adapter.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { bytesOf, mergeInFloat64, readFromDisk, toBytes } from '../fixtures/weights/carry-out-plan.ts';
import { ulpsBetween } from '../fixtures/weights/float-formats.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const oracleFile = join(import.meta.dirname, '../fixtures/oracles/merge_digests.json');
const base = join(sample, 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

type Digests = {
  readonly tensors: {
    readonly [name: string]: { readonly sha256: string; readonly shape: readonly number[] };
  };
};
type Oracle = { readonly merges: { readonly [merge: string]: { readonly [variant: string]: Digests } } };

interface Case {
  readonly merge: string;
  readonly adapters: readonly string[];
  readonly rounding: MergePiece['rounding'];
  readonly variant: 'exact_f64' | 'exact_f64_rounded_between';
}

const cases: readonly Case[] = [
  { merge: 'A', adapters: ['lora-summarise'], rounding: 'peft-default', variant: 'exact_f64' },
  { merge: 'B', adapters: ['lora-glossary'], rounding: 'peft-default', variant: 'exact_f64' },
  { merge: 'C', adapters: ['lora-vocab'], rounding: 'peft-default', variant: 'exact_f64' },
  { merge: 'A+B', adapters: ['lora-summarise', 'lora-glossary'], rounding: 'once', variant: 'exact_f64' },
  {
    merge: 'A+B',
    adapters: ['lora-summarise', 'lora-glossary'],
    rounding: 'peft-default',
    variant: 'exact_f64_rounded_between',
  },
  {
    merge: 'B+A',
    adapters: ['lora-glossary', 'lora-summarise'],
    rounding: 'peft-default',
    variant: 'exact_f64_rounded_between',
  },
];

let oracle: Oracle;
let work: string;
beforeAll(async () => {
  oracle = JSON.parse(await readFile(oracleFile, 'utf8')) as Oracle;
  work = await mkdtemp(join(tmpdir(), 'weights-merge-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each(cases)('merging $merge with rounding $rounding', ({ merge, adapters, rounding, variant }) => {
  const choices = adapters.map((name) => ({ folder: join(sample, name), weight: 1 }));
  const expected = (): Digests => oracle.merges[merge]?.[variant] ?? { tensors: {} };
  const out = (): string => join(work, `${merge}-${rounding}`);

  it('gives tensors within one unit in the last place of the exact merge in float64', async () => {
    await mergeAdapters({ base, adapters: choices, out: out(), rounding }, scope);

    const merged = await openWeights(out());
    const planned = await planAgain(choices, rounding);
    const report = {
      tensors: 0,
      differentTensors: 0,
      differentItems: 0,
      worstUlps: 0,
      referenceMissesOracle: [] as string[],
    };
    expect(merged.tensors.map(({ name }) => name).sort()).toEqual(Object.keys(expected().tensors).sort());
    for (const tensor of merged.tensors) {
      const reference = referenceBytes(planned.get(tensor.name));
      const actual = readFromDisk(tensor.file, tensor.offset, tensor.bytes);
      const digest = expected().tensors[tensor.name];
      report.tensors += 1;
      expect(tensor.shape).toEqual(digest?.shape);
      // The distance is measured against our own float64 merge, so that one must be the oracle's to the last bit.
      if (sha256(reference) !== digest?.sha256) report.referenceMissesOracle.push(tensor.name);
      if (sha256(actual) === digest?.sha256) continue;
      report.differentTensors += 1;
      const { items, worst } = measure(actual, reference);
      report.differentItems += items;
      report.worstUlps = Math.max(report.worstUlps, worst);
    }

    process.stderr.write(`${merge} ${rounding} against ${variant}: ${JSON.stringify(report)}\n`);
    expect(report.referenceMissesOracle).toEqual([]);
    expect(report.worstUlps).toBeLessThanOrEqual(1);
    // A fair share for sums whose order is free: none of the sample's six million items should need it.
    expect(report.differentItems).toBeLessThanOrEqual(100);
  });
});

async function planAgain(
  choices: readonly { folder: string; weight: number }[],
  rounding: MergePiece['rounding'],
) {
  const opened = await openWeights(base);
  const adapters = await Promise.all(choices.map(openAdapter));
  const plan = planMerge({ base: opened.tensors, adapters, rounding, ...(await readConfigFacts(base)) });
  return new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
}

function referenceBytes(tensor: MergedTensor | undefined): Uint8Array {
  if (tensor === undefined) throw new Error('a merged tensor was never planned');
  const { piece } = tensor;
  return piece.kind === 'merge' ? toBytes(mergeInFloat64(piece), piece.dtype) : bytesOf(piece);
}

function measure(actual: Uint8Array, reference: Uint8Array): { items: number; worst: number } {
  const [a, b] = [
    new DataView(actual.buffer, actual.byteOffset),
    new DataView(reference.buffer, reference.byteOffset),
  ];
  let items = 0;
  let worst = 0;
  for (let at = 0; at < actual.length; at += 2) {
    const ulps = ulpsBetween(a.getUint16(at, true), b.getUint16(at, true));
    if (ulps > 0) items += 1;
    worst = Math.max(worst, ulps);
  }
  return { items, worst };
}
