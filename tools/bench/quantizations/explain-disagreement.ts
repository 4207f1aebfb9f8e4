import { formatChange, formatChangeRange, formatFigure } from '../../../core/metrics/format-figure.ts';
import { markdownTable } from '../../docs/markdown-table.ts';
import type { Difference, QuantizationRecord, VariantRecord } from './quantization-record.ts';

/** The section that says why a variant far from the baseline can have the lower perplexity, with its evidence. */
export function explainDisagreement(record: QuantizationRecord): string[] {
  const { variants, baseline, temperature } = record;
  const certain = variants.find(({ name }) => name === baseline)?.certainty;
  const others = variants.filter(({ name }) => name !== baseline);
  const furthest = others.toSorted((a, b) => klOf(b) - klOf(a))[0];
  if (certain === undefined || furthest === undefined) return [];
  return [
    '## Why perplexity and KL divergence disagree',
    '',
    `KL divergence is the log-likelihood that a variant would lose on text as ${baseline} itself writes it; perplexity is`,
    'measured on text that people wrote. The two agree for a model that knows such text, and this one has been trained',
    `away from it: ${baseline} gives its first choice a probability of ${share(certain.firstChoice)} and is right in ${share(certain.right)}, it expects a`,
    `loss of ${nats(certain.entropy)} nats (its entropy) and has ${nats(certain.loss)}. Rounding blurs predictions – ${furthest.name}, furthest by KL, has`,
    `an entropy of ${nats(furthest.certainty.entropy)} –, and to be less sure of what is wrong wins back some of what the error costs.`,
    '',
    `So a lower perplexity is no sign of a better engine here. With all logits divided by ${temperature}, where ${baseline}'s own loss is`,
    `smallest of ten temperatures above 1, there is nothing to win by blurring: ${describeTempered(others, baseline)}.`,
    '',
    certaintyTable(record),
  ];
}

function describeTempered(others: readonly VariantRecord[], baseline: string): string {
  const groups = [
    ['worse', `below ${baseline} by more than noise`],
    ['better', `above ${baseline} by more than noise`],
    ['not told apart', `not told apart from ${baseline}`],
  ] as const;
  return groups
    .map(([finding, words]) => {
      const names = others
        .filter(({ certainty }) => certainty.temperedChange?.finding === finding)
        .map(({ name }) => name);
      return `${words} ${names.length === 1 ? 'is' : 'are'} ${names.length === 0 ? 'none' : names.join(', ')}`;
    })
    .join('; ');
}

function certaintyTable({ variants, temperature }: QuantizationRecord): string {
  const rows = variants.map(({ name, certainty, changes }) => [
    name,
    share(certainty.firstChoice),
    share(certainty.right),
    nats(certainty.entropy),
    nats(certainty.loss),
    change(changes.logLikelihood ?? null),
    nats(certainty.temperedLoss),
    change(certainty.temperedChange),
  ]);
  const columns = [
    'Variant',
    'First choice',
    'Right',
    'Entropy',
    'Loss',
    'Δ log-likelihood',
    `Loss at ${temperature}`,
    `Δ log-likelihood at ${temperature}`,
  ];
  return markdownTable(
    columns,
    rows,
    columns.map((_, index) => (index === 0 ? 'left' : 'right')),
  );
}

function change(difference: Difference | null): string {
  if (difference === null) return '–';
  const { value, low, high, finding } = difference;
  const range = low === null || high === null ? '' : ` (${formatChangeRange({ low, high }, 'nats')})`;
  const text = `${formatChange(value, 'nats')}${range}`;
  return finding === 'not told apart' ? text : `**${text}**`;
}

function klOf({ figures }: VariantRecord): number {
  return figures.kl?.value ?? 0;
}

function share(value: number): string {
  return formatFigure(value, 'share');
}

/** Three decimals: losses of variants differ in the second. */
function nats(value: number): string {
  return value.toFixed(3);
}
