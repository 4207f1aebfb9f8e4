import { describe, expect, it } from 'vitest';
import { loadRecipe } from '../../../../config/load-recipe.ts';
import { parseVariant } from '../../../../config/parse-variant.ts';
import type { ArtifactRef, Digest } from '../../../../core/domain/artifact.ts';
import { planRecipe, type PlanResult } from '../../../../core/planning/plan-recipe.ts';

const digest = 'd'.repeat(64) as Digest;
const dataset: ArtifactRef<'dataset'> = { kind: 'dataset', digest, bytes: 1 };

const f16 = '  f16: { quantization: { method: none } }\n';

/** A recipe with these variants and whatever follows them. */
function planOf(variants: string, more = '', baseline = 'f16'): PlanResult {
  const text = `name: a\nmodel: { source: hf:o/n }\nbaseline: ${baseline}\nvariants:\n${variants}${more}`;
  const loaded = loadRecipe(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return planRecipe(loaded.loaded.recipe, {
    recipeDigest: digest,
    resolvePath: (path) => `/recipes/${path}`,
    datasets: new Map([['file:text.txt', dataset]]),
    endpoint: null,
    parseVariant,
  });
}

function namesOf(result: PlanResult): string[] {
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.plan.variants.map(({ name }) => name);
}

function problemsOf(result: PlanResult): string[] {
  return 'problems' in result
    ? result.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : [];
}

describe('variants', () => {
  it('are planned in the order of the recipe, with the words and settings of their toolchain', () => {
    const result = planOf(`${f16}  int4: { quantization: { method: weight-only, bits: 4 } }\n`);

    expect(result).toMatchObject({
      plan: {
        variants: [
          { name: 'f16', label: 'float16', checkpoint: { type: 'f16' }, build: { type: 'F16' } },
          {
            name: 'int4',
            label: '4 bit (Q4_0)',
            queue: 'engine.llama-cpp',
            quantization: { method: 'weight-only', bits: 4, symmetric: true },
            build: { type: 'Q4_0' },
          },
        ],
      },
    });
  });

  it.each([
    ['bits: 4, group: 64', 'llama-cpp has no 4 bit format with groups of 64; it has groups of 32 and 256'],
    ['bits: 8, symmetric: false', 'llama-cpp has no 8 bit format with offset'],
  ])('that the toolchain cannot spell (%s) are refused with what it has', (options, reason) => {
    const result = planOf(`${f16}  odd: { quantization: { method: weight-only, ${options} } }\n`);

    expect(problemsOf(result)).toEqual([`variants.odd: variant odd: ${reason}`]);
  });

  it('keep their names even when two are the same engine, so that a baseline cannot vanish', () => {
    const twice = `${f16}  same: { quantization: { method: none, dtype: float16 } }\n`;

    expect(namesOf(planOf(twice, '', 'same'))).toEqual(['f16', 'same']);
    expect(namesOf(planOf(twice, 'publish: { alias: p, choose: { variant: same } }\n'))).toContain('same');
  });
});

describe('a sweep', () => {
  const int4 = `${f16}  int4: { quantization: { method: weight-only, bits: 4, group: 32 } }\n`;

  it('adds its points after the named variants', () => {
    const more =
      'sweep: { from: int4, over: { quantization.symmetric: [false], quantization.group: [32] } }\n';

    expect(namesOf(planOf(int4, more))).toEqual(['f16', 'int4', 'int4-symmetric-false-group-32']);
  });

  it('does not list the engine it starts from, or a point that is given twice, again', () => {
    const more = 'sweep: { from: int4, over: { quantization.group: [32, 256, 256] } }\n';

    expect(namesOf(planOf(int4, more))).toEqual(['f16', 'int4', 'int4-group-256']);
  });

  it('names every impossible point', () => {
    const more = 'sweep: { from: int4, over: { quantization.group: [48, 64, 256] } }\n';

    expect(problemsOf(planOf(int4, more))).toEqual(
      [
        expect.stringMatching(/int4-group-64: llama-cpp has no 4 bit format/),
        "sweep.over: int4-group-48: 'quantization.group' is 48; choose one of 32, 64, 128, 256",
      ].toSorted((a) => (typeof a === 'string' ? -1 : 1)),
    );
  });

  it('over a misspelt setting is refused with the nearest spelling', () => {
    const more = 'sweep: { from: int4, over: { quantization.grup: [32] } }\n';

    expect(problemsOf(planOf(int4, more))).toEqual([
      "sweep.over: int4-grup-32: unknown key 'grup': did you mean 'group'?",
    ]);
  });

  it.each(['int5', 'constructor'])('from %s, which is no variant, is refused', (from) => {
    const more = `sweep: { from: ${from}, over: { quantization.group: [32] } }\n`;

    expect(problemsOf(planOf(int4, more))).toEqual([
      `sweep.from: the sweep starts from '${from}', which is no variant`,
    ]);
  });

  it('whose point has the name of another variant is refused', () => {
    const named = `${int4}  int4-group-256: { quantization: { method: weight-only, bits: 8 } }\n`;
    const more = 'sweep: { from: int4, over: { quantization.group: [256] } }\n';

    expect(problemsOf(planOf(named, more))).toEqual(['sweep.over: there are two variants int4-group-256']);
  });
});

describe('what cannot work together', () => {
  it.each(['f32', 'constructor', 'valueof'])('a baseline %s that is no variant', (baseline) => {
    expect(problemsOf(planOf(f16, '', baseline))).toEqual([
      `baseline: the baseline '${baseline}' is no variant`,
    ]);
  });

  it.each([
    [
      'evaluation: { divergence: true }',
      'evaluation.divergence: divergence needs the text of evaluation.perplexity',
    ],
    ['publish: { alias: p, choose: { variant: x } }', "publish.choose.variant: 'x' is no variant"],
    ['publish: { alias: p, choose: fastest }', 'publish.choose: choosing the fastest needs a benchmark'],
  ])('%s', (more, problem) => {
    expect(problemsOf(planOf(f16, `${more}\n`))).toEqual([problem]);
  });

  it('is told all at once', () => {
    const more = 'evaluation: { divergence: true }\npublish: { alias: p, choose: fastest }\n';

    expect(problemsOf(planOf(f16, more, 'none'))).toHaveLength(3);
  });
});

it('plans divergence on the windows of the perplexity text', () => {
  const more =
    'evaluation: { perplexity: { text: file:text.txt, window: 64, windows: 3 }, divergence: true }\n';

  expect(planOf(f16, more)).toMatchObject({
    plan: {
      evaluations: [
        { kind: 'perplexity', dataset, window: 64, windows: 3 },
        { kind: 'divergence', dataset, window: 64, windows: 3 },
      ],
    },
  });
});

it('makes folder sources absolute and keeps revision and token name of hub sources', () => {
  const more =
    'adapters: [{ source: file:lora }, { source: hf:o/l, revision: v1, token: MY_TOKEN, merge: false }]\n';

  expect(planOf(f16, more)).toMatchObject({
    plan: {
      adapters: [
        { source: { kind: 'folder', path: '/recipes/lora' }, weight: 1, merge: true },
        {
          source: { kind: 'hub', repository: 'o/l', revision: 'v1', tokenVariable: 'MY_TOKEN' },
          merge: false,
        },
      ],
    },
  });
});
