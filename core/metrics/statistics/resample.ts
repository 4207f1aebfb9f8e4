import { MersenneTwister } from './mersenne-twister.ts';

/** A figure as a function of the units (samples, windows) it is computed from, named by index; may repeat. */
export type Statistic = (units: ArrayLike<number>) => number;

export interface ResamplePlan {
  readonly resamples: number;
  readonly seed: number;
}

/** The statistic over `resamples` draws with replacement of `count` units, ascending. */
export function resample(count: number, statistic: Statistic, plan: ResamplePlan): Float64Array {
  const draws = drawUnits(count, plan);
  return Float64Array.from({ length: plan.resamples }, (_, i) => statistic(draws(i))).sort();
}

/** Two tables of 8 million draws: 32 MB at most. */
const keptTables = 2;
const largestTable = 8_000_000;
const tables = new Map<string, Uint16Array>();

/**
 * The units of each draw, to be asked for in order. Drawing costs ten times what a mean over the draw does, and one
 * report needs the same draws for each of its metrics: the last tables are kept. Seeded, so keeping changes nothing.
 */
function drawUnits(count: number, { resamples, seed }: ResamplePlan): (draw: number) => ArrayLike<number> {
  if (count > 0xffff || count * resamples > largestTable) {
    const random = new MersenneTwister(seed);
    return () => fill(new Uint32Array(count), random);
  }
  const name = `${count} ${resamples} ${seed}`;
  const table = tables.get(name) ?? fillAll(count, { resamples, seed });
  tables.delete(name);
  tables.set(name, table);
  const [oldest] = tables.keys();
  if (tables.size > keptTables && oldest !== undefined) tables.delete(oldest);
  return (draw) => table.subarray(draw * count, (draw + 1) * count);
}

function fillAll(count: number, { resamples, seed }: ResamplePlan): Uint16Array {
  const random = new MersenneTwister(seed);
  const table = new Uint16Array(count * resamples);
  for (let i = 0; i < table.length; i++) table[i] = random.below(count);
  return table;
}

function fill(units: Uint32Array, random: MersenneTwister): Uint32Array {
  const count = units.length;
  for (let i = 0; i < count; i++) units[i] = random.below(count);
  return units;
}
