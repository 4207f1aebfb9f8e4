import type { SizeRecord } from './speed-record.ts';

export interface Judged {
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Seconds of `numerator` over seconds of `denominator`, both medians of one run, and the bound it must keep. */
interface Ratio {
  readonly text: string;
  readonly numerator: string;
  readonly denominator: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const ratios: readonly Ratio[] = [
  { text: 'to .bin, speed of cp -r', numerator: 'copy', denominator: 'to-bin', atLeast: 0.8 },
  { text: 'to safetensors, speed of cp -r', numerator: 'copy', denominator: 'to-safetensors', atLeast: 0.8 },
  { text: 'to .bin, torch takes', numerator: 'torch-to-bin', denominator: 'to-bin', atLeast: 3 },
  {
    text: 'to safetensors, torch takes',
    numerator: 'torch-to-safetensors',
    denominator: 'to-safetensors',
    atLeast: 3,
  },
  { text: 'merge, of the conversion to .bin', numerator: 'merge', denominator: 'to-bin', atMost: 1.3 },
  { text: 'merge, peft takes', numerator: 'peft-merge', denominator: 'merge', atLeast: 6 },
  { text: 'int4, of the conversion to .bin', numerator: 'int4', denominator: 'to-bin', atMost: 1.5 },
];

const own = new Set(['to-bin', 'to-safetensors', 'merge', 'int4']);
const fixedBytes = 256e6;

/** The targets beside what was measured; those whose contenders did not run are left out. */
export function judge(size: SizeRecord): readonly Judged[] {
  const seconds = new Map(size.contenders.map(({ name, seconds: { median } }) => [name, median]));
  const judged = ratios.flatMap(({ text, numerator, denominator, atLeast = 0, atMost = Infinity }) => {
    const [over, under] = [seconds.get(numerator), seconds.get(denominator)];
    if (over === undefined || under === undefined) return [];
    const ratio = over / under;
    const bound = atLeast > 0 ? `at least ${atLeast} ×` : `at most ${atMost} ×`;
    return [
      {
        target: `${text}: ${bound}`,
        measured: `${ratio.toFixed(2)} ×`,
        met: ratio >= atLeast && ratio <= atMost,
      },
    ];
  });
  return [...judged, ...judgeMemory(size)];
}

function judgeMemory({ contenders, model }: SizeRecord): readonly Judged[] {
  const peaks = contenders.filter(({ name }) => own.has(name)).map(({ peakBytes }) => peakBytes);
  if (peaks.length === 0) return [];
  const [peak, bound] = [Math.max(...peaks), 3 * model.largestBytes + fixedBytes];
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return [
    {
      target: `memory: at most 3 × the largest tensor + 256 MB = ${megabytes(bound)}`,
      measured: megabytes(peak),
      met: peak <= bound,
    },
  ];
}
