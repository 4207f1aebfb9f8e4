import {
  formatChange,
  formatChangeRange,
  formatCount,
  formatFigure,
} from '../../../core/metrics/format-figure.ts';
import type { MetricUnit } from '../../../core/domain/report.ts';
import { markdownTable } from '../../docs/markdown-table.ts';
import { explainDisagreement } from './explain-disagreement.ts';
import { comparedFigures, type Difference, type Differences, type Figure } from './quantization-record.ts';
import type { FigureName, QuantizationRecord, VariantRecord } from './quantization-record.ts';

const none = '–';

const titles: { readonly [N in FigureName]: readonly [title: string, unit: MetricUnit] } = {
  rouge1: ['ROUGE-1', 'percent'],
  rouge2: ['ROUGE-2', 'percent'],
  rougeL: ['ROUGE-L', 'percent'],
  logLikelihood: ['log-likelihood', 'nats'],
  kl: ['KL', 'nats'],
  top1: ['top-1', 'share'],
};
const changed = ['rouge1', 'rouge2', 'rougeL', 'logLikelihood'] as const;
const diverged = ['kl', 'top1'] as const;

/** docs/results/quantizations.md */
export function renderPage(record: QuantizationRecord): string {
  return [
    '# Quantizations of one model, side by side',
    '',
    '<!-- Made by `npm run bench:quantizations` from quantizations.json; do not edit. -->',
    '',
    ...describeRun(record),
    '',
    figureTable(record),
    '',
    ...describeColumns(record),
    '',
    `## Against ${record.baseline}`,
    '',
    'The differences of ROUGE and log-likelihood are paired, sample by sample and window by window. **Bold** is more',
    `than noise: the ${percent(record)} interval does not hold 0. KL and top-1 are against ${record.baseline} by their nature.`,
    '',
    changeTable(record),
    '',
    '## At equal bits',
    '',
    'Every method that looks at activations, less plain rounding to the same bits and groups. KL is better when lower,',
    'all else when higher.',
    '',
    pairTable(record),
    '',
    ...record.pairs.map(pairSentence),
    '',
    ...explainDisagreement(record),
    '',
  ].join('\n');
}

function describeRun(record: QuantizationRecord): string[] {
  const { command, date, machine, versions, model, adapters, calibration, summaries, windows } = record;
  const merged =
    adapters.length === 0 ? '' : ` with ${adapters.map((name) => `\`${name}\``).join(', ')} merged`;
  const seen =
    calibration === null
      ? ''
      : ` ${calibration.windows} calibration texts were looked at, which share no passage with what is scored.`;
  const asked =
    windows.scored < windows.asked ? `, all that the text has of the ${windows.asked} asked for` : '';
  return [
    `\`${command}\` on ${date.slice(0, 10)}: ${record.steps} steps, ${machine.cores} cores of ${machine.processor}, ` +
      `${Math.round(machine.memoryBytes / 2 ** 30)} GiB; ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}.`,
    '',
    `The model is \`${model}\`${merged}.${seen} Scored are ${summaries.samples} summaries (ROUGE dialect ` +
      `${summaries.dialect}) and ${windows.scored} windows with ${formatCount(windows.tokens)} tokens${asked}. ` +
      'Digests of all that the run made are in [quantizations.json](quantizations.json).',
  ];
}

function figureTable({ variants, baseline }: QuantizationRecord): string {
  const rows = variants.map((variant) => {
    const { name, bytes, figures, perplexity, outputError, verdict } = variant;
    const cell = (figure: FigureName): string => {
      const found = figures[figure];
      return found === undefined ? none : formatFigure(found.value, titles[figure][1]);
    };
    return [
      name === baseline ? `${name} (baseline)` : name,
      bitsOf(variant),
      formatFigure(bytes, 'bytes'),
      cell('rouge1'),
      cell('rouge2'),
      cell('rougeL'),
      formatFigure(perplexity, 'perplexity'),
      cell('kl'),
      cell('top1'),
      outputError === null ? none : outputError.toFixed(3),
      verdict,
    ];
  });
  const columns = [
    'Variant',
    'Bits',
    'Size',
    'ROUGE-1',
    'ROUGE-2',
    'ROUGE-L',
    'Perplexity',
    'KL',
    'Top-1',
    'Output error',
    'Verdict',
  ];
  return markdownTable(columns, rows, alignment(columns.length, [0, 1, columns.length - 1]));
}

function bitsOf({ bits, group, label }: VariantRecord): string {
  if (bits === null) return label;
  return `${bits}, ${group === null ? 'a scale a row' : `groups of ${group}`}`;
}

function describeColumns({ gates, statistics }: QuantizationRecord): string[] {
  const asked = gates.map(({ metric, rule, bound }) => `\`${metric}\` ${rule} ${bound}`).join(', ');
  return [
    'Output error is the squared error of all linears on the calibration texts, of that of plain rounding: below 1 is',
    `what solving gained there. The verdict is that of the gates ${asked}. All grids are symmetric, and GGUF's Q8_0 and`,
    'Q4_0 hold their integers unchanged in blocks of 32, each with a scale: wider groups make no smaller files.',
    '',
    `Intervals are ${Math.round(100 * statistics.confidence)} % from ${formatCount(statistics.resamples)} bootstrap draws of samples or windows (seed ${statistics.seed}). None is`,
    'corrected for how many there are: of twenty, one is expected to miss.',
  ];
}

function changeTable({ variants, baseline }: QuantizationRecord): string {
  const rows = variants
    .filter(({ name }) => name !== baseline)
    .map(({ name, changes, figures }) => [
      name,
      ...changed.map((figure) => differenceCell(changes[figure], figure)),
      ...diverged.map((figure) => figureCell(figures[figure], figure)),
    ]);
  const columns = [
    'Variant',
    ...changed.map((figure) => `Δ ${titles[figure][0]}`),
    ...diverged.map((figure) => titles[figure][0]),
  ];
  return markdownTable(columns, rows, alignment(columns.length, [0]));
}

function pairTable({ pairs }: QuantizationRecord): string {
  const rows = pairs.map(({ candidate, reference, differences }) => [
    `${candidate} − ${reference}`,
    ...comparedFigures.map((figure) => differenceCell(differences[figure], figure)),
  ]);
  const columns = ['Pair', ...comparedFigures.map((figure) => `Δ ${titles[figure][0]}`)];
  return markdownTable(columns, rows, alignment(columns.length, [0]));
}

function pairSentence({ candidate, reference, differences }: QuantizationRecord['pairs'][number]): string {
  const findings = (['better', 'worse', 'not told apart'] as const).flatMap((finding) => {
    const names = namesOf(differences, finding);
    if (names.length === 0) return [];
    return [`${finding}${finding === 'not told apart' ? '' : ' than noise'} by ${names.join(', ')}`];
  });
  return `- \`${candidate}\` beside \`${reference}\`: ${findings.join('; ')}.`;
}

function namesOf(differences: Differences, finding: Difference['finding']): string[] {
  return comparedFigures
    .filter((figure) => differences[figure]?.finding === finding)
    .map((figure) => titles[figure][0]);
}

function differenceCell(difference: Difference | undefined, figure: FigureName): string {
  if (difference === undefined) return none;
  const [, unit] = titles[figure];
  const text = `${formatChange(difference.value, unit)}${rangeOf(difference, (range) => formatChangeRange(range, unit))}`;
  return difference.finding === 'not told apart' ? text : `**${text}**`;
}

function figureCell(figure: Figure | undefined, name: FigureName): string {
  if (figure === undefined) return none;
  const [, unit] = titles[name];
  const format = (value: number): string => formatFigure(value, unit);
  return `${format(figure.value)}${rangeOf(figure, ({ low, high }) => `${format(low)} to ${format(high)}`)}`;
}

function rangeOf(
  { low, high }: Pick<Figure, 'low' | 'high'>,
  format: (range: { low: number; high: number }) => string,
): string {
  return low === null || high === null ? '' : ` (${format({ low, high })})`;
}

function percent({ statistics }: QuantizationRecord): string {
  return `${Math.round(100 * statistics.confidence)} %`;
}

/** Numbers to the right, what is listed to the left. */
function alignment(count: number, left: readonly number[]): ('left' | 'right')[] {
  return Array.from({ length: count }, (_, index) => (left.includes(index) ? 'left' : 'right'));
}
