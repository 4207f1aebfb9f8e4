import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { FailureInterceptor } from '../activities/failure-interceptor.ts';
import { createSteps } from './create-steps.ts';
import { roles, type WorkerSettings } from './worker-settings.ts';
import { workflowCode } from './workflow-code.ts';

/** Connects and wires one worker; the caller runs it. */
export async function createWorker({ role, address, home, environment }: WorkerSettings): Promise<Worker> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const connection = await NativeConnection.connect({ address });
  const { queue, slots } = roles[role];
  const options: WorkerOptions = {
    connection,
    namespace: environment.namespace,
    taskQueue: queue,
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
    maxConcurrentActivityTaskExecutions: slots,
    interceptors: { activity: [() => ({ inbound: new FailureInterceptor() })] },
  });
}
