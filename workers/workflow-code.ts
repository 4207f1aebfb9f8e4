import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import { existsNow } from '../system/files/read-write.ts';

/** The prebuilt bundle beside the compiled sources, else the sources themselves (under tsx). */
export function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const bundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsNow(bundle)) return { workflowBundle: { codePath: bundle } };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)) };
}
