import { join, relative } from 'node:path';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { Report } from '../../core/domain/report.ts';
import type { RunResult } from '../../core/domain/run-result.ts';
import { renderTable } from '../../core/reports/render-table.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { copyFolder, readOwnJson } from '../../system/files/read-write.ts';
import type { Context } from '../define-command.ts';
import { renderTextTable } from '../output/text-table.ts';
import type { FollowedRun } from './follow-run.ts';

export interface RunToPresent {
  readonly followed: FollowedRun;
  readonly workflowId: string;
  readonly uiAddress: string | null;
  readonly seconds: number;
}

/** The table, the verdict, where the report lies and where Temporal shows the run. */
export async function presentRun(
  { home, print }: Context,
  { followed, workflowId, uiAddress, seconds }: RunToPresent,
): Promise<void> {
  const { result, lines } = followed;
  const folder = await copyReport(home, workflowId, result.report);
  const report = await readOwnJson<Report>(join(folder, 'report.json'));
  const counts = {
    ran: lines.filter(({ status }) => status === 'done').length,
    cached: lines.filter(({ status }) => status === 'cached').length,
    failed: lines.filter(({ status }) => status === 'failed').length,
  };
  const html = relative(process.cwd(), join(folder, 'report.html'));
  const text = [
    renderTextTable(renderTable(report)),
    '',
    report.headline,
    promotionLine(result),
    '',
    `verdict   ${result.verdict}`,
    `report    ${html}`,
    ...(uiAddress === null ? [] : [`web UI    ${uiAddress}`]),
    `steps     ${counts.ran} ran, ${counts.cached} cached, ${counts.failed} failed in ${seconds.toFixed(1)} s`,
  ];
  const value = {
    run: workflowId,
    ...result,
    reportFolder: folder,
    uiAddress,
    steps: counts,
    seconds: Math.round(seconds * 10) / 10,
    report,
  };
  print.result(value, text.filter((line) => line !== null).join('\n'));
}

/** A copy under the run's name: the store's own folder is named by a digest and read-only. */
async function copyReport(home: string, workflowId: string, report: ArtifactRef<'report'>): Promise<string> {
  const store = createFolderStore(join(home, 'store'));
  const folder = join(home, 'runs', workflowId);
  await copyFolder(await store.folderOf(report), folder);
  return folder;
}

function promotionLine({ promotion, release }: RunResult): string | null {
  const { alias, state, sequence } = promotion;
  const target = release === null ? 'nothing' : `release ${release.digest.slice(0, 12)}`;
  const words: Record<typeof state, string | null> = {
    promoted: `${alias} now points at ${target} (change ${sequence})`,
    unchanged: `${alias} points at ${target} already (change ${sequence})`,
    rejected: `${alias} was left alone: the release was rejected`,
    'not-approved': `${alias} was left alone: nobody approved in time`,
    'not-passed': alias === null ? null : `${alias} was left alone: no variant passed`,
    'not-asked': null,
  };
  return words[state];
}
