import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintFiles } from './fingerprint.mjs';
import { runTool } from './run-tool.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const sources = ['config', 'core', 'workflows', 'activities', 'system', 'workers', 'cli', 'tools'];
const settings = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const bundle = 'dist/workflow-bundle.js';

/** Compiles to dist/ and packs the workflows for Temporal's sandbox when a source changed. */
export async function buildTypescript({ root, progress }) {
  const isInput = (path) => settings.includes(path) || /\.(ts|json)$/.test(path);
  const inputs = fingerprintFiles(root, [...settings, ...sources], isInput);
  const programs = Object.values(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).bin);
  const isBuilt = [...programs, bundle].every((path) => existsSync(join(root, path)));
  if (readStamp(root, 'typescript').inputs === inputs && isBuilt) return;

  await progress.step('compiling TypeScript', async () => {
    // The incremental compiler writes only what changed since its notes, even if dist/ lost files meanwhile.
    if (!isBuilt) rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
    await runTool(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
      cwd: root,
    });
    for (const path of programs) chmodSync(join(root, path), 0o755);
  });
  await progress.step('bundling the workflows', () =>
    runTool(process.execPath, ['dist/tools/bundle-workflows.js'], { cwd: root }),
  );
  writeStamp(root, 'typescript', { inputs });
}
