import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type FailureName } from '../../core/domain/failures.ts';
import { faultsOfStore } from './harness/check-store.ts';
import { runCli, type CliEnd, type CliOptions } from './harness/cli.ts';
import type { Place } from './harness/place.ts';
import { single, smallRecipe, writeRecipe, type RecipeText } from './harness/recipe.ts';
import { useStack } from './harness/use-stack.ts';
import { refusalIn, refusedAs } from './harness/refusals.ts';

let place: Place;
let options: CliOptions;

useStack((scene) => ({ place, options } = scene));

describe('a recipe with a mistake', () => {
  const refusalOf = async (recipe: RecipeText | string): Promise<CliEnd> => {
    const end = await runCli(['plan', await writeRecipe(place.recipes, 'wrong', recipe)], options);
    expect(await faultsOfStore(place.home)).toEqual([]);
    return end;
  };
  /** The recipe as text, with one piece of it replaced. */
  const withText = (from: string | RegExp, to: string): string => stringify(smallRecipe).replace(from, to);

  it('hears line, column and the nearest spelling of a misspelt key', async () => {
    const end = await refusalOf(withText('baseline:', 'basline:'));

    const line = stringify(smallRecipe).split('\n').indexOf('baseline: f16') + 1;
    expect(refusalIn(end)).toEqual(
      refusedAs(
        'RecipeInvalid',
        new RegExp(`wrong.yaml:${line}:1: unknown key 'basline': did you mean 'baseline'`),
      ),
    );
  });

  it('hears the keys that are known where it names one that resembles none', async () => {
    expect(refusalIn(await refusalOf(`${stringify(single)}zebra: 1\n`))).toEqual(
      refusedAs('RecipeInvalid', /:1: unknown key 'zebra'; known here: name, model/),
    );
  });

  it('hears what type a value must have', async () => {
    const end = await refusalOf(withText('samples: 4', 'samples: many'));

    expect(refusalIn(end)).toEqual(refusedAs('RecipeInvalid', /wrong\.yaml:\d+:\d+: .*samples.* a number/));
  });

  it('hears where its YAML stops being YAML', async () => {
    expect(refusalIn(await refusalOf('name: [unclosed\n'))).toEqual(
      refusedAs('RecipeInvalid', /wrong\.yaml:\d+:\d+: /),
    );
  });

  it.each<[string, object, RegExp]>([
    [
      'a group size its toolchain does not have',
      {
        variants: {
          ...smallRecipe.variants,
          int4: { quantization: { method: 'weight-only', bits: 4, group: 64 } },
        },
      },
      /variant int4: llama-cpp has no 4 bit format with groups of 64; it has groups of 32 and 256/,
    ],
    ['a baseline that is no variant', { baseline: 'f17' }, /the baseline 'f17' is no variant/],
    [
      'divergence without a text',
      { evaluation: { divergence: true } },
      /divergence needs the text of evaluation\.perplexity/,
    ],
  ])('is refused for %s', async (_, change, message) => {
    const end = await refusalOf({ ...smallRecipe, ...change });

    expect(refusalIn(end)).toEqual(refusedAs('RecipeImpossible', message));
    expect(end.stderr).toMatch(/wrong\.yaml:\d+:\d+: /);
  });

  it('is missed by its path when it is not there', async () => {
    expect(refusalIn(await runCli(['run', 'nowhere.yaml'], options))).toEqual(
      refusedAs('RecipeMissing', /nowhere\.yaml/),
    );
  });
});

describe('a dataset with a mistake', () => {
  const refusalOf = async (lines: string): Promise<CliEnd> => {
    await writeFile(join(place.recipes, 'data', 'wrong.jsonl'), lines);
    const summarize = { ...smallRecipe.evaluation.summarize, dataset: 'file:data/wrong.jsonl' };
    const file = await writeRecipe(place.recipes, 'wrong', { ...smallRecipe, evaluation: { summarize } });
    const end = await runCli(['run', file], options);
    expect(await faultsOfStore(place.home)).toEqual([]);
    return end;
  };
  const good = '{"id": "a", "document": "Some text.", "reference": "Text."}\n';

  it('is missed where the recipe names it', async () => {
    const summarize = { ...smallRecipe.evaluation.summarize, dataset: 'file:data/absent.jsonl' };
    const file = await writeRecipe(place.recipes, 'wrong', { ...smallRecipe, evaluation: { summarize } });

    expect(refusalIn(await runCli(['run', file], options))).toEqual(
      refusedAs('DatasetMissing', /wrong\.yaml:\d+:\d+: .*absent\.jsonl/),
    );
    expect(await faultsOfStore(place.home)).toEqual([]);
  });

  it('is refused when it is empty', async () => {
    expect(refusalIn(await refusalOf('\n\n'))).toEqual(
      refusedAs('DatasetEmpty', /wrong\.yaml:\d+:\d+: wrong\.jsonl holds no sample/),
    );
  });

  it('is refused with the number of the line that is no JSON', async () => {
    expect(refusalIn(await refusalOf(`${good}{"id": "b", "document": \n`))).toEqual(
      refusedAs('DatasetInvalid', /wrong\.jsonl:2 is no JSON/),
    );
  });

  it('is refused with the number of the line that lacks a field', async () => {
    expect(refusalIn(await refusalOf(`${good}\n{"document": "Only text."}\n`))).toEqual(
      refusedAs('DatasetInvalid', /wrong\.jsonl:3: 'reference'/),
    );
  });
});

describe('a command line with a mistake', () => {
  it.each<[string[], FailureName, RegExp]>([
    [['rnu'], 'UsageInvalid', /no verb 'rnu': did you mean run\?/],
    [['run', 'x.yaml', '--detahc'], 'UsageInvalid', /unknown flag --detahc: did you mean --detach\?/],
    [['run'], 'UsageInvalid', /run needs RECIPE/],
    [['run', 'a.yaml', 'b.yaml'], 'UsageInvalid', /'b\.yaml'/],
    [['runs', '--limit', 'few'], 'UsageInvalid', /--limit/],
    [['show', 'no-such-run'], 'RunMissing', /no run no-such-run/],
    [['cancel', 'no-such-run'], 'RunMissing', /no run no-such-run/],
    [['runs', '--address', '127.0.0.1:1'], 'ServerUnreachable', /127\.0\.0\.1:1/],
    [['generate', 'no-such-alias', '--prompt', 'x'], 'ArtifactMissing', /no-such-alias/],
  ])('%j is refused as %s', async (args, name, message) => {
    expect(refusalIn(await runCli(args, options))).toEqual(refusedAs(name, message));
  });

  it('is refused as JSON too when JSON is asked for', async () => {
    const { stdout, exitCode } = await runCli(['show', 'no-such-run', '--json'], options);

    expect(JSON.parse(stdout)).toMatchObject({
      error: { name: 'RunMissing', message: 'there is no run no-such-run' },
    });
    expect(exitCode).toBe(66);
  });

  it('is refused when a port it names is in use', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => void listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };

    const home = join(place.folder, 'second-home');
    const end = await runCli(['up', '--port', String(port)], { home });

    expect(refusalIn(end)).toEqual(refusedAs('PortTaken', new RegExp(`port ${port} on 127.0.0.1 is in use`)));
    expect(await leftIn(home)).toEqual([]);
    await new Promise((resolve) => void listener.close(resolve));
  });

  it('is refused when a port it names is none', async () => {
    const home = join(place.folder, 'no-port-home');
    const end = await runCli(['up', '--port', '99999'], { home });

    expect(refusalIn(end)).toEqual(refusedAs('UsageInvalid', /--port/));
    expect(await leftIn(home)).toEqual([]);
  });

  it('is refused when it names no server and none runs', async () => {
    const home = join(place.folder, 'third-home');

    expect(refusalIn(await runCli(['runs'], { home }))).toEqual(
      refusedAs('ServerUnreachable', /nothing runs in/),
    );
    expect(await leftIn(home)).toEqual([]);
  });

  it.each([[[]], [['--detach']]])(
    'is refused when it names a server that does not answer, before anything is stored, with %j',
    async (more) => {
      const home = join(place.folder, 'fourth-home');
      const recipe = await writeRecipe(place.recipes, 'right', smallRecipe);
      const end = await runCli(['run', recipe, '--address', '127.0.0.1:1', ...more], { home });

      expect(refusalIn(end)).toEqual(
        refusedAs('ServerUnreachable', /no Temporal server answers at 127\.0\.0\.1:1/),
      );
      expect(await leftIn(home)).toEqual([]);
    },
  );

  it('is refused when it is not to wait and nothing runs, before anything is stored', async () => {
    const home = join(place.folder, 'fifth-home');
    const recipe = await writeRecipe(place.recipes, 'right', smallRecipe);

    expect(refusalIn(await runCli(['run', recipe, '--detach'], { home }))).toEqual(
      refusedAs('ServerUnreachable', /nothing runs in/),
    );
    expect(await leftIn(home)).toEqual([]);
  });
});

/** What a refused call left in a home, but for the logs that say why. */
async function leftIn(home: string): Promise<string[]> {
  const names = await readdir(home).catch(() => []);
  return names.filter((name) => name !== 'logs');
}
