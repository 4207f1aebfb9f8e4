import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../system/package-root.ts';

const sample = join(packageRoot(), 'examples', 'sample');

/** A folder for one test file: a home, a copy of the sample repositories to serve, and recipes with their data. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  /** The folder `sample`, whose name is the namespace of its repositories. */
  readonly hub: string;
  /** Recipes and `data/` lie here. */
  readonly recipes: string;
}

const repositories = ['sample-llama', 'lora-glossary', 'lora-summarise'];

export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'enginewright-e2e-'));
  const [home, hub, recipes] = [join(folder, 'home'), join(folder, 'sample'), join(folder, 'recipes')];
  for (const name of repositories) await copyRepository(join(sample, name), join(hub, name));
  await mkdir(home, { recursive: true });
  await mkdir(join(recipes, 'data'), { recursive: true });
  await copyLines('eval.jsonl', 64, recipes);
  await copyLines('valid.txt', 40, recipes);
  return {
    folder,
    home,
    hub,
    recipes,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** The sample's files are read-only in some checkouts; a copy is for changing. */
export async function copyRepository(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  for (const name of await readdir(to)) await chmod(join(to, name), 0o644);
}

async function copyLines(name: string, lines: number, recipes: string): Promise<void> {
  const text = await readFile(join(sample, 'data', name), 'utf8');
  await writeFile(join(recipes, 'data', name), `${text.split('\n').slice(0, lines).join('\n')}\n`);
}
