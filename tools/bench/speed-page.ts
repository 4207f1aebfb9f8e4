import { markdownTable } from '../docs/markdown-table.ts';
import { judge } from './speed-targets.ts';
import type { ContenderRecord, SizeRecord, SpeedRecord } from './speed-record.ts';

export const columns = ['contender', 'min s', 'median s', 'max s', 'MB/s', 'of cp -r', 'CPU s', 'peak MB'];
export const alignment = columns.map((_, index) => (index === 0 ? 'left' : 'right'));

/** One row for each contender. MB/s are bytes of the model by the median; `of cp -r` is the copy's median by it. */
export function rowsOf({ contenders, model }: SizeRecord): string[][] {
  const copy = contenders.find(({ name }) => name === 'copy');
  return contenders.map((contender) => rowOf(contender, model.bytes, copy));
}

function rowOf(
  { title, seconds, cpuSeconds, peakBytes }: ContenderRecord,
  bytes: number,
  copy: ContenderRecord | undefined,
): string[] {
  return [
    title,
    ...[seconds.min, seconds.median, seconds.max].map((value) => value.toFixed(2)),
    (bytes / 1e6 / seconds.median).toFixed(0),
    copy === undefined ? '–' : (copy.seconds.median / seconds.median).toFixed(2),
    cpuSeconds.median.toFixed(2),
    (peakBytes / 1e6).toFixed(0),
  ];
}

/** docs/results/weights-speed.md */
export function renderPage({ sizes }: SpeedRecord): string {
  return [
    '# Speed and memory of the weight tools',
    '',
    'Written by `npm run bench:weights`: a random bfloat16 Llama and an adapter with r = 16 on every linear but',
    '`lm_head`. Every contender is a process of its own and is timed as a user sees it, start of Python or Node',
    'included, until what it wrote is on the disk (fsync on every side). They run in turns; ratios are of medians of',
    'one run. `peak` is the most that all processes of a contender held together, and `compare` the proof that is not',
    'part of a conversion: another pass over both sides.',
    ...sizes.flatMap(renderSize),
    '',
  ].join('\n');
}

function renderSize(size: SizeRecord): string[] {
  const { gigabytes, command, date, machine, versions, model, rounds } = size;
  const verdicts = judge(size).map(({ target, measured, met }) => [target, measured, met ? 'yes' : 'no']);
  return [
    '',
    `## ${gigabytes} GB`,
    '',
    `\`${command}\`, ${date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores, ${(machine.memoryBytes / 1e9).toFixed(0)} GB of memory, ${rounds} rounds.`,
    `${model.tensors} tensors, ${(model.bytes / 1e9).toFixed(2)} GB, the largest ${(model.largestBytes / 1e6).toFixed(0)} MB, ${model.layers} layers.`,
    `${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    '',
    markdownTable(columns, rowsOf(size), alignment),
    '',
    markdownTable(['target', 'measured', 'met'], verdicts, ['left', 'right', 'left']),
  ];
}
