import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

const root = packageRoot();
const folders = ['config', 'core', 'workflows', 'activities', 'system', 'workers', 'cli', 'tools'];

/** A small tree of the same layout in which every edge is allowed. */
const lawful: Readonly<Record<string, string>> = {
  'core/domain/plan.ts': 'export interface Plan { readonly name: string }\nexport const planVersion = 1;',
  'core/domain/words.ts': "import { planVersion } from './plan.ts';\nexport const words = [planVersion];",
  'core/catalog/entry.ts':
    "import { z } from 'zod';\nimport { words } from '../domain/words.ts';\nexport const entry = z.tuple([]).or(z.literal(words.length));",
  'core/metrics/mean.ts': "import { words } from '../domain/words.ts';\nexport const mean = words.length;",
  'core/formats/header.ts': "import { words } from '../domain/words.ts';\nexport const header = words;",
  'core/judging/verdict.ts': "import { mean } from '../metrics/mean.ts';\nexport const verdict = mean;",
  'core/planning/choose.ts':
    "import { entry } from '../catalog/entry.ts';\nimport type { Recipe } from '../../config/recipe.ts';\nexport const choose = (recipe: Recipe) => [recipe, entry];",
  'core/reports/text.ts':
    "import { verdict } from '../judging/verdict.ts';\nexport const text = String(verdict);",
  'config/recipe.ts':
    "import { entry } from '../core/catalog/entry.ts';\nexport type Recipe = number;\nexport const recipe = entry;",
  'system/clock.ts':
    "import { readFileSync } from 'node:fs';\nimport { words } from '../core/domain/words.ts';\nexport const clock = [readFileSync, words];",
  'system/chicken.ts': "import type { Egg } from './egg.ts';\nexport const chicken = (egg?: Egg) => egg;",
  'system/egg.ts':
    "import { chicken } from './chicken.ts';\nexport type Egg = object;\nexport const egg = () => chicken();",
  'activities/one/contract.ts':
    "import { words } from '../../core/domain/words.ts';\nexport const one = words;",
  'activities/one/activity.ts':
    "import { clock } from '../../system/clock.ts';\nimport { one } from './contract.ts';\nexport const run = [clock, one];",
  'activities/two/contract.ts': 'export interface Two { readonly path: string }\nexport const two = 2;',
  'activities/registry.ts': "import { run } from './one/activity.ts';\nexport const registry = [run];",
  'workflows/story.ts':
    "import { proxyActivities } from '@temporalio/workflow';\nimport { one } from '../activities/one/contract.ts';\nexport const story = [proxyActivities, one];",
  'workers/control.ts':
    "import { registry } from '../activities/registry.ts';\nexport const control = registry;",
  'cli/main.ts':
    "import { recipe } from '../config/recipe.ts';\nimport type { story } from '../workflows/story.ts';\nexport const main = (told: typeof story) => [told, recipe];",
  'tools/draw.ts': "import { words } from '../core/domain/words.ts';\nexport const draw = words;",
};

/** Each file breaks the one rule it is listed under. */
const unlawful: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'layer core/domain': { 'core/domain/knows-catalog.ts': value('../catalog/entry.ts') },
  'layer core/catalog': { 'core/catalog/decides.ts': value('../planning/choose.ts') },
  'layer core/formats': { 'core/formats/measures.ts': value('../metrics/mean.ts') },
  'layer core/metrics': { 'core/metrics/judges.ts': value('../judging/verdict.ts') },
  'layer core/judging': { 'core/judging/renders.ts': value('../reports/text.ts') },
  'layer core/planning': { 'core/planning/acts.ts': value('../../system/clock.ts') },
  'layer core/reports': { 'core/reports/plans.ts': value('../planning/choose.ts') },
  'layer config': { 'config/plans.ts': value('../core/planning/choose.ts') },
  'layer workflows': { 'workflows/runs-a-step.ts': value('../activities/one/activity.ts') },
  'layer contract': { 'activities/three/contract.ts': value('../../system/clock.ts') },
  'layer activities': { 'activities/one/reads-recipes.ts': value('../../config/recipe.ts') },
  'layer system': { 'system/knows-a-step.ts': value('../activities/one/contract.ts') },
  'layer workers': { 'workers/imports-workflows.ts': value('../workflows/story.ts') },
  'layer cli': { 'cli/runs-a-step.ts': value('../activities/one/activity.ts') },
  'nobody-imports-tests-or-tools': { 'system/draws.ts': value('../tools/draw.ts') },
  'pure-folders': {
    'core/planning/joins.ts': value('node:path'),
    'activities/four/contract.ts': value('node:path'),
  },
  'workflow-packages': { 'workflows/validates.ts': value('zod') },
  'pure-packages': { 'core/planning/validates.ts': value('zod') },
  'schema-packages': { 'config/dials.ts': value('@temporalio/client') },
  'only-system-touches-the-os': {
    'cli/reads.ts': value('node:fs/promises'),
    'activities/one/spawns.ts': value('node:child_process'),
    'workers/listens.ts': value('node:http'),
  },
  'steps-are-strangers': {
    'activities/one/knows-two.ts': "import type { Two } from '../two/contract.ts';\nexport type Known = Two;",
  },
  'no-circular': {
    'system/chicken.ts': "import { egg } from './egg.ts';\nexport const chicken = () => egg;",
  },
  'not-to-unresolvable': { 'system/misspelt.ts': value('./klock.ts') },
};

let tree = '';

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'enginewright-layers-'));
  await cp(join(root, 'tsconfig.json'), join(tree, 'tsconfig.json'));
  await cp(join(root, 'package.json'), join(tree, 'package.json'));
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  await writeTree(lawful);
});

afterAll(() => rm(tree, { recursive: true, force: true }));

it(
  'lets every allowed edge pass, and catches each forbidden one by its own rule',
  { timeout: 60_000 },
  async () => {
    const before = await cruise(tree);
    await writeTree(Object.assign({}, ...Object.values(unlawful)));
    const after = await cruise(tree);

    const planted = Object.entries(unlawful).flatMap(([rule, files]) =>
      Object.keys(files).map((file) => `${file} breaks ${rule}`),
    );
    expect(before).toEqual([]);
    expect(after.toSorted()).toEqual(planted.toSorted());
  },
);

it('holds in this repository', { timeout: 60_000 }, async () => {
  expect(await cruise(root)).toEqual([]);
});

function value(specifier: string): string {
  return `import * as used from '${specifier}';\nexport const kept = used;`;
}

async function writeTree(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), `${content}\n`);
  }
}

interface Cruised {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

/** The offending files with the rules they break, each once. */
async function cruise(folder: string): Promise<readonly string[]> {
  const bin = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const args = [bin, '--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', ...folders];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    maxBuffer: 100_000_000,
  }).catch(
    // A violation is also an exit code; what it printed is what we came for.
    (error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  const cruised = JSON.parse(stdout) as Cruised;
  return [...new Set(cruised.summary.violations.map(({ from, rule }) => `${from} breaks ${rule.name}`))];
}
