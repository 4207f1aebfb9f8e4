import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Environment } from '../config/environment.ts';
import { llamaCpp } from '../core/catalog/toolchains/llama-cpp.ts';
import { controlQueue, cpuQueue } from '../core/domain/queues.ts';
import { existsNow } from '../system/files/read-write.ts';
import { createSteps, type WorkerRole } from './create-steps.ts';
import { FailureInterceptor } from './failure-interceptor.ts';

export const workerRoles = ['control', 'cpu', 'engine'] as const satisfies readonly WorkerRole[];

const queues: Record<WorkerRole, string> = { control: controlQueue, cpu: cpuQueue, engine: llamaCpp.queue };

/** Engines are tried, scored and measured one at a time: two at once would distort each other's figures. */
const slots: Record<WorkerRole, number> = { control: 1, cpu: 4, engine: 1 };

export interface WorkerSettings {
  readonly role: WorkerRole;
  readonly address: string;
  readonly home: string;
  readonly environment: Environment;
}

/** Connects and wires one worker; the caller runs it. */
export async function createWorker({ role, address, home, environment }: WorkerSettings): Promise<Worker> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const connection = await NativeConnection.connect({ address });
  const options: WorkerOptions = {
    connection,
    namespace: environment.namespace,
    taskQueue: queues[role],
    identity: `${role}@${process.pid}`,
    // A cancellation reaches an activity with the answer to a heartbeat, so this bounds how late it comes.
    maxHeartbeatThrottleInterval: '1 second',
    shutdownGraceTime: '1 second',
    shutdownForceTime: '15 seconds',
  };
  if (role === 'control') return Worker.create({ ...options, ...workflowCode() });
  return Worker.create({
    ...options,
    activities: await createSteps(role, environment, home),
    maxConcurrentActivityTaskExecutions: slots[role],
    interceptors: { activity: [() => ({ inbound: new FailureInterceptor() })] },
  });
}

/** The prebuilt bundle beside the compiled sources, else the sources themselves (under tsx). */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const bundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsNow(bundle)) return { workflowBundle: { codePath: bundle } };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)) };
}
