import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactKind, Digest } from '../../../core/domain/artifact.ts';
import type { VariantScores } from '../../../core/domain/measurement.ts';
import type { Plan, VariantPlan } from '../../../core/domain/plan.ts';
import type { Report, ReportVariant } from '../../../core/domain/report.ts';
import { createFolderStore } from '../../../system/artifact-store/folder-store.ts';

/** A variant as planned and reported, with the scores that its report was made from. */
export interface VariantRun {
  readonly plan: VariantPlan;
  readonly report: ReportVariant;
  readonly scores: VariantScores;
  readonly engineFolder: string;
  /** See QuantizationRecord. */
  readonly outputError: number | null;
}

const roles = { summarize: 'summary', perplexity: 'perplexity', divergence: 'divergence' } as const;

interface ScoresDocument {
  readonly kind: keyof typeof roles;
  readonly scores: unknown;
}

/** Opens what a run left in the store of its home. Throws when a variant failed: there is nothing to compare it by. */
export async function readRun(
  home: string,
  { plan, report }: { plan: Plan; report: Report },
): Promise<VariantRun[]> {
  const runs: VariantRun[] = [];
  for (const variant of report.variants) {
    const planned = plan.variants.find(({ name }) => name === variant.name);
    if (planned === undefined) throw new Error(`the recipe has no variant ${variant.name}`);
    if (variant.failure !== null) throw new Error(`${variant.name}: ${variant.failure.message}`);
    runs.push(await readVariant(home, { plan: planned, report: variant }));
  }
  return runs;
}

async function readVariant(
  home: string,
  { plan, report }: Pick<VariantRun, 'plan' | 'report'>,
): Promise<VariantRun> {
  const store = createFolderStore(join(home, 'store'));
  const foldersOf = (kind: ArtifactKind): Promise<string[]> =>
    Promise.all(
      report.artifacts
        .filter(({ role }) => role === kind)
        // A report names digests as plain texts; they were the store's own.
        .map(({ digest }) => store.folderOf({ kind, digest: digest as Digest, bytes: 0 })),
    );
  const [engineFolder] = await foldersOf('engine');
  if (engineFolder === undefined) throw new Error(`${report.name} has no engine`);
  const documents = await Promise.all(
    (await foldersOf('scores')).map(
      async (folder) => JSON.parse(await readFile(join(folder, 'scores.json'), 'utf8')) as ScoresDocument,
    ),
  );
  const scores = Object.fromEntries(documents.map((document) => [roles[document.kind], document.scores]));
  const quantized = report.artifacts.find(({ role }) => role === 'quantized');
  const facts = quantized === undefined ? {} : (await store.manifestOf(quantized.digest as Digest)).facts;
  const outputError = facts['outputError'];
  return {
    plan,
    report,
    scores,
    engineFolder,
    outputError: typeof outputError === 'number' ? outputError : null,
  };
}
