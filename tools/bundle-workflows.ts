import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

// Bundling at build time proves that the workflows are pure (a Node built-in fails it) and saves each control
// worker two seconds. Runs from dist/tools/.
const workflowsPath = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
writeFileSync(fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)), code);
