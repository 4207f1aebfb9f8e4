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
  const tempered = others.map(({ name, certainty }) => [`\`${name}\``, certainty.temperedChange] as const);
  return [
    '## Why perplexity and KL divergence disagree',
    '',
    `KL divergence is the log-likelihood that a variant would lose on text that goes on as ${baseline} itself expects;`,
    'perplexity is measured on text as people went on. The two agree for a model that knows such text, and this one',
    `does not: ${baseline} gives its first choice a probability of ${share(certain.firstChoice)} and is right in ${share(certain.right)}; it expects a loss of`,
    `${nats(certain.entropy)} nats (its entropy) and has ${nats(certain.loss)}. Rounding blurs predictions – \`${furthest.name}\`, furthest by KL, has an`,
    `entropy of ${nats(furthest.certainty.entropy)} –, and to be less sure of what is wrong wins back some of what the error costs.`,
    `With all logits divided by ${temperature}, where ${baseline}'s own loss is smallest of the temperatures tried, every engine is less`,
    `sure, and what blurring wins is gone: beside ${baseline}, ${describeFindings(tempered)}.`,
    '',
    certaintyTable(record),
    '',
    ...describeSources(record, furthest),
    'An interval tells how far other windows of such text may move a figure of these very engines. It does not tell what',
    'the methods would make of another model: each was tried once.',
  ];
}

/** Which text is read decides too: the change of the log-likelihood on each source by itself. */
function describeSources(
  { sources, variants, baseline }: QuantizationRecord,
  furthest: VariantRecord,
): string[] {
  if (sources.length === 0) return [];
  const findings = sources.map(({ source, changes }) => [source, changes[furthest.name] ?? null] as const);
  const others = variants.filter(({ name }) => name !== baseline);
  const rows = others.map(({ name }) => [
    name,
    ...sources.map(({ changes }) => change(changes[name] ?? null)),
  ]);
  const columns = ['Δ log-likelihood', ...sources.map(({ source, windows }) => `${source} (${windows})`)];
  return [
    `It also depends on what is read. By source of the text, with the number of windows, \`${furthest.name}\` is`,
    `${describeFindings(findings)}.`,
    '',
    markdownTable(columns, rows, alignmentOf(columns)),
    '',
  ];
}

/** For example `better by more than noise: a, b; not told apart: c`. */
function describeFindings(findings: readonly (readonly [name: string, Difference | null])[]): string {
  return (['better', 'worse', 'not told apart'] as const)
    .flatMap((wanted) => {
      const names = findings.filter(([, difference]) => difference?.finding === wanted).map(([name]) => name);
      const words = wanted === 'not told apart' ? wanted : `${wanted} by more than noise`;
      return names.length === 0 ? [] : [`${words}: ${names.join(', ')}`];
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
  return markdownTable(columns, rows, alignmentOf(columns));
}

function alignmentOf(columns: readonly string[]): ('left' | 'right')[] {
  return columns.map((_, index) => (index === 0 ? 'left' : 'right'));
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
