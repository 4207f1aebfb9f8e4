import { open } from 'node:fs/promises';
import { convertFloats } from '../../core/formats/gguf/convert-floats.ts';
import { sortAdapterTensors, type Adapter, type LoraPair } from '../../core/formats/peft/adapter-tensors.ts';
import { cosineOf, overlapOf, sameRunCosine, type Factors } from '../../core/formats/peft/same-run.ts';
import { isFloatDtype, type WeightTensor } from '../../core/formats/tensor.ts';

/** Enough to tell one run from two; adapters of real models have hundreds of modules. */
const modulesCompared = 8;

/**
 * Sentences about adapters that are states of one training run: merging checkpoint-1000, -2000 and -3000 adds their common
 * change about three times. Seen by their content (the cosine between their deltas), and by names like checkpoint-1000.
 */
export async function findSameRun(
  adapters: readonly { readonly folder: string; readonly source?: string; readonly adapter: Adapter }[],
): Promise<string[]> {
  const warnings: string[] = [];
  for (const [index, second] of adapters.entries()) {
    for (const first of adapters.slice(0, index)) {
      const cosine = await compareDeltas(first.adapter, second.adapter);
      const run = runOf(first.source ?? first.folder);
      const byName = run !== undefined && run === runOf(second.source ?? second.folder);
      if (cosine < sameRunCosine && !byName) continue;
      warnings.push(
        `${first.adapter.label} and ${second.adapter.label} look like states of one run (cosine of their changes ${cosine.toFixed(2)}): their common change is added more than once`,
      );
    }
  }
  return warnings;
}

/** Checkpoints lie beside each other in one folder, or in one repository under their names or as its revisions. */
function runOf(source: string): string | undefined {
  return /^(.+)[/@]checkpoint-\d+$/.exec(source)?.[1];
}

/** 0 when nothing can be compared: other modules, other shapes. */
async function compareDeltas(first: Adapter, second: Adapter): Promise<number> {
  const others = new Map(pairsOf(second).map((pair) => [pair.module, pair]));
  const common = pairsOf(first).flatMap((pair) => {
    const other = others.get(pair.module);
    const fits = other?.a.shape[1] === pair.a.shape[1] && other?.b.shape[0] === pair.b.shape[0];
    return other !== undefined && fits ? [{ pair, other }] : [];
  });
  const step = Math.max(1, Math.floor(common.length / modulesCompared));
  const chosen = common.filter((_, index) => index % step === 0).slice(0, modulesCompared);
  return cosineOf(
    await Promise.all(
      chosen.map(async ({ pair, other }) => overlapOf(await readFactors(pair), await readFactors(other))),
    ),
  );
}

function pairsOf(adapter: Adapter): readonly LoraPair[] {
  return sortAdapterTensors(adapter).pairs.filter(({ a, b }) =>
    [a, b].every(
      (tensor) => isFloatDtype(tensor.dtype) && tensor.strides === undefined && tensor.shape.length === 2,
    ),
  );
}

async function readFactors({ a, b }: LoraPair): Promise<Factors> {
  return { a: await readValues(a), b: await readValues(b), rank: a.shape[0] ?? 0 };
}

async function readValues({ file, offset, bytes, dtype }: WeightTensor): Promise<Float64Array> {
  if (!isFloatDtype(dtype)) return new Float64Array();
  const handle = await open(file);
  try {
    const raw = new Uint8Array(bytes);
    await handle.read(raw, 0, bytes, offset);
    const singles = convertFloats(raw, dtype, 'F32').bytes;
    return Float64Array.from(new Float32Array(singles.buffer, singles.byteOffset, singles.byteLength / 4));
  } finally {
    await handle.close();
  }
}
