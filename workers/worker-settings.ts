import type { Environment } from '../config/environment.ts';
import { llamaCpp } from '../core/catalog/toolchains/llama-cpp.ts';
import { controlQueue, cpuQueue } from '../core/domain/queues.ts';

export const workerRoles = ['control', 'cpu', 'engine'] as const;
export type WorkerRole = (typeof workerRoles)[number];

export interface WorkerSettings {
  readonly role: WorkerRole;
  readonly address: string;
  readonly home: string;
  readonly environment: Environment;
}

/** Where a role finds its work, and how much of it is done at once. */
export const roles = {
  control: { queue: controlQueue, slots: 1 },
  cpu: { queue: cpuQueue, slots: 4 },
  // Engines are tried, scored and measured one at a time: two at once would distort each other's figures.
  engine: { queue: llamaCpp.queue, slots: 1 },
} as const satisfies Record<WorkerRole, { readonly queue: string; readonly slots: number }>;
