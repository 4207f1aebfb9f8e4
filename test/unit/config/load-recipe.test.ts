import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRecipe } from '../../../config/load-recipe.ts';
import type { Recipe } from '../../../config/recipe.ts';
import { packageRoot } from '../../../system/package-root.ts';

const smallest = `name: a
model: { source: hf:o/n }
baseline: f16
variants:
  f16: { quantization: { method: none } }
`;

/** Every problem as `line:column message`. */
function problemsOf(text: string): string[] {
  const result = loadRecipe(text);
  if (result.ok) return [];
  return result.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

function recipeOf(text: string): Recipe {
  const result = loadRecipe(text);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.loaded.recipe;
}

describe('a valid recipe', () => {
  it('gets the documented defaults', () => {
    expect(recipeOf(smallest)).toMatchObject({
      model: { source: 'hf:o/n', revision: 'main', token: 'HF_TOKEN' },
      adapters: [],
      rounding: 'peft-default',
      toolchain: 'llama-cpp',
      concurrency: 2,
      gates: [],
      evaluation: { divergence: false },
      variants: { f16: { quantization: { method: 'none', dtype: 'float16' } } },
    });
  });

  it('may be written with Windows line ends and a byte order mark', () => {
    expect(recipeOf(`\uFEFF${smallest.replaceAll('\n', '\r\n')}`)).toEqual(recipeOf(smallest));
  });

  it('may repeat itself by anchor', () => {
    const { adapters, model } = recipeOf(
      smallest.replace('model: {', 'model: &it {') + 'adapters: [*it, *it]\n',
    );

    expect(adapters).toHaveLength(2);
    expect(adapters[1]).toMatchObject({ source: model.source, weight: 1, merge: true });
  });

  it('is the sample', () => {
    const text = readFileSync(join(packageRoot(), 'examples', 'sample', 'recipe.yaml'), 'utf8');

    expect(recipeOf(text).name).toBe('sample-summariser');
  });
});

describe('the text itself', () => {
  it.each([
    ['an empty file', '', ["1:1 'name' is missing", "1:1 'model' is missing"]],
    ['only a comment', '# later\n', ["1:1 'name' is missing", "1:1 'model' is missing"]],
  ])('%s misses every required key', (_, text, first) => {
    expect(problemsOf(text).slice(0, 2)).toEqual(first);
    expect(problemsOf(text)).toHaveLength(4);
  });

  it.each([
    ['a word', 'hello', '1:1 the recipe must be a mapping, not "hello"'],
    ['a list', '- a\n- b\n', '1:1 the recipe must be a mapping, not a list'],
    ['a duplicate key', `${smallest}name: b\n`, '6:1 Map keys must be unique'],
    ['a tab', 'name:\n\t- a\n', '2:1 Tabs are not allowed as indentation'],
    [
      'an alias without its anchor',
      `${smallest}gates: *nowhere\n`,
      '1:1 Unresolved alias (the anchor must be set before the alias): nowhere',
    ],
  ])('with %s is refused at its place', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('with an open bracket names the line where the list breaks off', () => {
    expect(problemsOf('name: [a\nmodel: 1\n')[0]).toMatch(/^2:1 .*must be sufficiently indented/);
  });

  it('of two documents is refused', () => {
    expect(problemsOf(`${smallest}---\nname: b\n`)[0]).toMatch(/^6:1 Source contains multiple documents/);
  });

  it('that unfolds without end is refused instead of filling the memory', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map((pair) => [...pair])) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(',')}]`);
    }

    expect(problemsOf(bomb.join('\n'))).toEqual([
      '1:1 Excessive alias count indicates a resource exhaustion attack',
    ]);
  });
});

describe('an unknown key', () => {
  it.each([
    ['at the root', `${smallest}sweap: {}\n`, "6:1 unknown key 'sweap': did you mean 'sweep'?"],
    ['in capitals', `${smallest}Gates: []\n`, "6:1 unknown key 'Gates': did you mean 'gates'?"],
    [
      'deep inside',
      `${smallest}evaluation:\n  perplexity:\n    text: file:a\n    windw: 3\n`,
      "9:5 unknown key 'windw': did you mean 'window'?",
    ],
    [
      'inside a list',
      `${smallest}gates:\n  - { metric: a, max: 1 }\n  - { metric: a, max: 1, marign: 2 }\n`,
      "8:26 unknown key 'marign': did you mean 'margin'?",
    ],
    [
      'inside an alternative',
      `${smallest}publish: { alias: a, choose: { varient: f16 } }\n`,
      "6:32 unknown key 'varient': did you mean 'variant'?",
    ],
    [
      'through an anchor',
      `name: a\nmodel: &m { source: hf:o/n, tokn: X }\nbaseline: f16\nvariants: { f16: { quantization: { method: none } } }\n`,
      "2:29 unknown key 'tokn': did you mean 'token'?",
    ],
    [
      'of YAML 1.1',
      `${smallest}benchmark: { <<: { repeats: 3 } }\n`,
      "6:14 unknown key '<<'; known here: inputTokens, outputTokens, concurrency, repeats",
    ],
  ])('%s is refused at its place with the nearest spelling', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('near to nothing lists what is known there', () => {
    expect(problemsOf(smallest.replace('hf:o/n', 'hf:o/n, zebra: 1'))).toEqual([
      "2:26 unknown key 'zebra'; known here: source, revision, token, files",
    ]);
  });

  it('that stands for a missing one is reported once', () => {
    expect(problemsOf(smallest.replace('source:', 'sorce:'))).toEqual([
      "2:10 unknown key 'sorce': did you mean 'source'?",
    ]);
  });

  it('does not hide a key that is missing elsewhere', () => {
    const text = `${smallest.replace('source:', 'sorce:')}adapters:\n  - { weight: 1 }\n`;

    expect(problemsOf(text)).toEqual([
      "2:10 unknown key 'sorce': did you mean 'source'?",
      "7:5 'adapters.0.source' is missing",
    ]);
  });

  it('named like a member of every object is unknown too', () => {
    expect(problemsOf(`${smallest}__proto__: { a: 1 }\n`)[0]).toMatch(/^6:1 unknown key '__proto__'/);
    expect(problemsOf(`${smallest}constructor: 1\n`)[0]).toMatch(/^6:1 unknown key 'constructor'/);
  });
});

describe('a wrong value', () => {
  const quantization = (text: string): string => smallest.replace('{ method: none }', text);
  it.each([
    ['a word for a number', `${smallest}concurrency: two\n`, `6:1 'concurrency' must be a number, not "two"`],
    ['nothing', `${smallest}concurrency:\n`, "6:1 'concurrency' must be a number, not empty"],
    ['a mapping for a list', `${smallest}gates: {}\n`, "6:1 'gates' must be a list, not a mapping"],
    [
      'a fraction',
      `${smallest}benchmark: { repeats: 1.5 }\n`,
      "6:14 'benchmark.repeats' must be a whole number, not 1.5",
    ],
    [
      'a number that is none',
      `${smallest}gates: [{ metric: a, max: .nan }]\n`,
      "6:22 'gates.0.max' must be a number, not NaN",
    ],
    [
      'an endless number',
      `${smallest}gates: [{ metric: a, max: .inf }]\n`,
      "6:22 'gates.0.max' must be a number, not Infinity",
    ],
    [
      'a place in a list',
      `${smallest}benchmark: { concurrency: [1, 0] }\n`,
      "6:31 'benchmark.concurrency.1': too small: expected number to be >=1",
    ],
    [
      'a misspelt choice',
      quantization('{ method: nine }'),
      `5:26 'variants.f16.quantization.method' is "nine"; did you mean none?`,
    ],
    [
      'a number that is no choice',
      quantization('{ method: weight-only, bits: 7 }'),
      "5:47 'variants.f16.quantization.bits' is 7; choose one of 8, 6, 5, 4, 3, 2",
    ],
    [
      'a choice left out',
      quantization('{ method: weight-only }'),
      "5:10 'variants.f16.quantization.bits' is missing",
    ],
    [
      'no method',
      quantization('{ dtype: float16 }'),
      "5:10 'variants.f16.quantization.method' is missing; choose one of none, weight-only, rtn, gptq, awq, smoothquant",
    ],
    [
      'a word for a mapping',
      quantization('none'),
      `5:10 'variants.f16.quantization' must be a mapping, not "none"`,
    ],
    [
      'a misspelt toolchain',
      `${smallest}toolchain: lama-cpp\n`,
      `6:1 'toolchain' is "lama-cpp"; did you mean llama-cpp?`,
    ],
    [
      'a misspelt word where a mapping is allowed too',
      `${smallest}publish: { alias: a, choose: fastst }\n`,
      `6:22 'publish.choose' is "fastst"; did you mean fastest?`,
    ],
    [
      'an empty axis',
      `${smallest}sweep: { from: f16, over: { a: [] } }\n`,
      "6:29 'sweep.over.a': too small: expected array to have >=1 items",
    ],
    [
      'a source without its kind',
      smallest.replace('hf:o/n', 'o/n'),
      "2:10 'model.source': write hf:OWNER/NAME for the hub or file:PATH for a folder",
    ],
    [
      'a variant in capitals',
      smallest.replace('  f16:', '  F16:'),
      "5:3 use lower-case letters, digits, '.', '_' and '-', at most 63",
    ],
    [
      'a gate without a bound',
      `${smallest}gates: [{ metric: a }]\n`,
      "6:9 'gates.0': give exactly one of: max, min, or rule: non-inferior with margin",
    ],
    ['no variant at all', smallest.replace(/ {2}f16.*/, '  {}'), "4:1 'variants': name at least one variant"],
  ])('(%s) is refused at its place with what is allowed', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it('that looks like a token is not repeated', () => {
    const [problem] = problemsOf(smallest.replace('hf:o/n', 'hf:o/n, token: hf_verySecret'));

    expect(problem).toMatch(/name a variable, never the token itself/);
    expect(problem).not.toContain('verySecret');
  });

  it('never comes alone: all are told, in the order of the file', () => {
    const text = `${smallest}concurrency: 0\ntoolchain: x\nnames: 1\n`;

    expect(problemsOf(text).map((problem) => problem.split(' ')[0])).toEqual(['6:1', '7:1', '8:1']);
  });
});

it('finds the place of a problem that planning reports later, or of the nearest parent', () => {
  const result = loadRecipe(smallest);
  if (!result.ok) throw new Error('the recipe is valid');
  const placeOf = (...path: string[]): number[] => {
    const { line, column } = result.loaded.locate({ name: 'RecipeImpossible', path, message: '' });
    return [line, column];
  };

  expect(placeOf('baseline')).toEqual([3, 1]);
  expect(placeOf('variants', 'f16', 'quantization', 'method')).toEqual([5, 26]);
  expect(placeOf('variants', 'f16', 'quantization', 'group')).toEqual([5, 10]);
  expect(placeOf('publish', 'choose')).toEqual([1, 1]);
});
