import type { Verdict } from '../domain/run-result.ts';
import type { ReportVariant } from '../domain/report.ts';
import { verdictOrder } from '../judging/verdict-order.ts';

const phrases: { readonly [V in Verdict]: readonly [one: string, many: string] } = {
  pass: ['passes every gate', 'pass every gate'],
  inconclusive: ['is inconclusive', 'are inconclusive'],
  fail: ['fails', 'fail'],
  error: ['could not be judged', 'could not be judged'],
};

/** The outcome in a sentence or two: who passes, who does not, and the gate that decided for the first of those. */
export function writeHeadline(variants: readonly ReportVariant[], gateCount: number): string {
  const judged = gateCount === 0 ? variants.filter(({ failure }) => failure !== null) : variants;
  const groups = verdictOrder.flatMap((verdict) => {
    const members = judged.filter((variant) => variant.verdict === verdict);
    return members.length === 0 ? [] : [describeGroup(members, verdict)];
  });
  const note = gateCount === 0 ? ['The recipe sets no gates, so the figures were not judged.'] : [];
  return [...groups, ...note].join(' ');
}

function describeGroup(members: readonly ReportVariant[], verdict: Verdict): string {
  const phrase = phrases[verdict][members.length === 1 ? 0 : 1];
  const [first] = members;
  const reason = verdict === 'pass' || first === undefined ? null : reasonOf(first);
  const names = joinNames(members.map(({ name }) => name));
  if (reason === null) return `${names} ${phrase}.`;
  return members.length === 1
    ? `${names} ${phrase}: ${reason}`
    : `${names} ${phrase} (${first?.name}: ${reason})`;
}

function reasonOf({ failure, gates, verdict }: ReportVariant): string | null {
  if (failure !== null) return /[.!?]$/.test(failure.message) ? failure.message : `${failure.message}.`;
  return gates.find((gate) => gate.verdict === verdict)?.sentence ?? null;
}

function joinNames(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
