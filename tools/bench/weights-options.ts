import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly gigabytes: number;
  readonly rounds: number;
  /** A Python with torch, peft, transformers and safetensors; null: one of its own below .cache/bench. */
  readonly python: string | null;
  /** Folder on the disk to be measured. */
  readonly place: string;
  /** Names of contenders; empty: all, and only then the results are kept. */
  readonly only: readonly string[];
  readonly json: boolean;
}

export const usage = `usage: npm run bench:weights -- [flags]

Converts, merges and quantizes a random bfloat16 Llama beside cp -r, torch and peft, and writes
docs/results/weights-speed.{json,md}. Needs a built dist/ and room for seven times the model.

  --gigabytes N   Size of the model (default 2).
  --rounds N      How often each contender runs, in turns (default 3).
  --python PATH   A Python with torch, peft, transformers and safetensors (default: made in .cache/bench).
  --place DIR     Folder on the disk to measure (default: the system's folder for temporary files).
  --only A,B      These contenders alone; nothing is kept.
  --json          Print the figures as JSON.
  --help          Show this help.`;

/** Undefined where help was asked for. Throws TypeError or RangeError for flags that cannot be used. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      gigabytes: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      python: { type: 'string' },
      place: { type: 'string', default: tmpdir() },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    gigabytes: positive('gigabytes', values.gigabytes),
    rounds: Math.ceil(positive('rounds', values.rounds)),
    python: values.python ?? null,
    place: values.place,
    only: values.only.split(',').filter((name) => name !== ''),
    json: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`--${name} must be a number above 0, not ${text}`);
}
