import type { GateVerdict, Report, ReportVariant } from '../domain/report.ts';
import { escapeMarkup } from './html/escape-html.ts';

/**
 * JUnit XML as CI servers read it: a suite per variant, a case per gate. Fail becomes `failure`, error `error`, and
 * inconclusive `skipped`, which no server counts as passed.
 */
export function renderJunit(report: Report): string {
  const suites = report.variants.map((variant) => renderSuite(variant, report.recipe.name));
  const counts = countVerdicts(report.variants.flatMap(casesOf));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeMarkup(report.recipe.name)}" ${counts}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

type Case = Pick<GateVerdict, 'verdict' | 'sentence'> & { readonly name: string };

function casesOf({ failure, gates }: ReportVariant): Case[] {
  if (failure !== null)
    return [{ name: 'build', verdict: 'error', sentence: `${failure.name}: ${failure.message}` }];
  return gates.map(({ metric, rule, bound, verdict, sentence }) => ({
    name: `${metric} ${rule} ${bound}`,
    verdict,
    sentence,
  }));
}

function renderSuite(variant: ReportVariant, recipe: string): string {
  const cases = casesOf(variant);
  const classname = escapeMarkup(`${recipe}.${variant.name}`);
  const lines = cases.map((entry) => renderCase(entry, classname));
  const head = `  <testsuite name="${escapeMarkup(variant.name)}" ${countVerdicts(cases)}`;
  return lines.length === 0 ? `${head}/>` : [`${head}>`, ...lines, '  </testsuite>'].join('\n');
}

function countVerdicts(cases: readonly Case[]): string {
  const count = (verdict: Case['verdict']): number =>
    cases.filter((entry) => entry.verdict === verdict).length;
  return `tests="${cases.length}" failures="${count('fail')}" errors="${count('error')}" skipped="${count('inconclusive')}"`;
}

const elements = { fail: 'failure', error: 'error', inconclusive: 'skipped' } as const;

function renderCase({ name, verdict, sentence }: Case, classname: string): string {
  const head = `    <testcase classname="${classname}" name="${escapeMarkup(name)}"`;
  const message = escapeMarkup(sentence);
  if (verdict === 'pass') return `${head}><system-out>${message}</system-out></testcase>`;
  return `${head}><${elements[verdict]} message="${message}"/></testcase>`;
}
