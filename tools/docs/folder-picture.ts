import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';

const folders = ['config', 'core', 'workflows', 'activities', 'system', 'workers', 'cli'];

const Cruise = z.object({
  modules: z.array(
    z.object({
      source: z.string(),
      dependencies: z.array(z.object({ resolved: z.string(), dependencyTypes: z.array(z.string()) })),
    }),
  ),
});

/**
 * Who uses whose values, as a Mermaid picture: one box a folder, the steps' contracts apart from the steps. Types are
 * left out (they are gone at run time), and arrows that follow from a longer way too, so that the layers show.
 */
export async function folderPicture(root: string): Promise<string> {
  const { stdout } = await execa(
    process.execPath,
    [
      join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
      '--config',
      join(root, '.dependency-cruiser.mjs'),
      '--output-type',
      'json',
      ...folders,
    ],
    // Broken rules are the layer check's concern.
    { cwd: root, reject: false },
  );
  const { modules } = Cruise.parse(JSON.parse(stdout));
  const uses = new Map<string, Set<string>>();
  for (const { source, dependencies } of modules) {
    const from = boxOf(source);
    if (from === null) continue;
    for (const { resolved, dependencyTypes } of dependencies) {
      const to = boxOf(resolved);
      if (to === null || to === from || dependencyTypes.includes('type-only')) continue;
      uses.set(from, (uses.get(from) ?? new Set()).add(to));
    }
  }
  return ['```mermaid', 'flowchart TD', ...boxes(uses), ...arrows(uses), '```'].join('\n');
}

function boxOf(path: string): string | null {
  if (/^activities\/[^/]+\/contract\.ts$/.test(path)) return 'contracts';
  const [folder] = path.split('/');
  return folder !== undefined && folders.includes(folder) ? folder : null;
}

function boxes(uses: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const names = [...new Set([...uses].flatMap(([from, targets]) => [from, ...targets]))].sort();
  return names.map(
    (name) => `  ${name}["${name === 'contracts' ? 'activities/*/contract.ts' : `${name}/`}"]`,
  );
}

function arrows(uses: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...uses]
    .flatMap(([from, targets]) =>
      [...targets]
        .filter((to) => ![...targets].some((between) => between !== to && reaches(uses, between, to)))
        .map((to) => `  ${from} --> ${to}`),
    )
    .sort();
}

function reaches(uses: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const next = uses.get(from);
  return next !== undefined && (next.has(to) || [...next].some((between) => reaches(uses, between, to)));
}
