import { parseExpression, type Expression } from './parse-expression.ts';

/** One step of the machine; `next` are indexes of steps. */
type Step =
  | { readonly kind: 'take'; readonly takes: (character: string) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly next: readonly number[] }
  | { readonly kind: 'start' | 'end'; readonly next: number }
  | { readonly kind: 'done' };

// Counted repetitions multiply steps; names of modules need a few dozen.
const maxSteps = 2000;

/**
 * Whether a whole text matches a regular expression, in time proportional to text × expression whatever the two are:
 * all choices are followed at once (K. Thompson, "Regular Expression Search Algorithm", CACM 11:6, 1968) where
 * JavaScript's own engine goes back on them one by one and can be made to take years. Undefined for syntax outside of
 * what names need.
 */
export function linearExpression(source: string): ((text: string) => boolean) | undefined {
  const expression = parseExpression(source);
  if (expression === undefined) return undefined;
  const steps: Step[] = [{ kind: 'done' }];
  const first = compile(expression, 0, steps);
  return steps.length > maxSteps ? undefined : (text) => run(steps, first, text);
}

/** Adds the steps of an expression that goes on at `next`; returns its first step. */
function compile(expression: Expression, next: number, steps: Step[]): number {
  // Longer ones are refused anyway, so their rest need not be made.
  if (steps.length > maxSteps) return next;
  switch (expression.kind) {
    case 'take':
      return steps.push({ kind: 'take', takes: expression.takes, next }) - 1;
    case 'start':
    case 'end':
      return steps.push({ kind: expression.kind, next }) - 1;
    case 'sequence':
      return expression.parts.reduceRight((after, part) => compile(part, after, steps), next);
    case 'choice': {
      const ways = expression.parts.map((part) => compile(part, next, steps));
      return steps.push({ kind: 'fork', next: ways }) - 1;
    }
    case 'repeat':
      return compileRepeat(expression, next, steps);
    default:
      return expression satisfies never;
  }
}

function compileRepeat(
  { part, least, most }: Extract<Expression, { kind: 'repeat' }>,
  next: number,
  steps: Step[],
): number {
  let entry = next;
  if (most === Infinity) {
    const loop = steps.push({ kind: 'fork', next: [] }) - 1;
    steps[loop] = { kind: 'fork', next: [compile(part, loop, steps), next] };
    entry = loop;
  } else {
    for (let left = most - least; left > 0 && steps.length <= maxSteps; left -= 1)
      entry = steps.push({ kind: 'fork', next: [compile(part, entry, steps), next] }) - 1;
  }
  for (let left = least; left > 0 && steps.length <= maxSteps; left -= 1) entry = compile(part, entry, steps);
  return entry;
}

function run(steps: readonly Step[], first: number, text: string): boolean {
  let current = new Set<number>();
  enter(first, { steps, reached: current, atStart: true, atEnd: text.length === 0 });
  for (let at = 0; at < text.length && current.size > 0; at += 1) {
    const following = new Set<number>();
    const place = { steps, reached: following, atStart: false, atEnd: at + 1 === text.length };
    for (const index of current) {
      const step = steps[index];
      if (step?.kind === 'take' && step.takes(text.charAt(at))) enter(step.next, place);
    }
    current = following;
  }
  return current.has(0);
}

interface Place {
  readonly steps: readonly Step[];
  readonly reached: Set<number>;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** Everything that can be reached from a step without taking a character. */
function enter(from: number, place: Place): void {
  const waiting = [from];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (place.reached.has(index)) continue;
    place.reached.add(index);
    waiting.push(...passedFrom(place.steps[index], place));
  }
}

/** The steps behind one that takes no character here. */
function passedFrom(step: Step | undefined, { atStart, atEnd }: Place): readonly number[] {
  if (step?.kind === 'fork') return step.next;
  const passes = (step?.kind === 'start' && atStart) || (step?.kind === 'end' && atEnd);
  return passes ? [step.next] : [];
}
