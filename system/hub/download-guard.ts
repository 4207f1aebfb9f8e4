import type { Lease } from '../artifact-store/contract.ts';

/** Somebody else works on the same download. Never leaves system/hub. */
export class LeaseLost extends Error {}

/** Asked before anything that another holder of the lease could be in the middle of. Both throw LeaseLost. */
export interface Guard {
  /** Before bytes are added; now and then it looks. */
  readonly beforeChunk: () => Promise<void>;
  /** Before a file is renamed, removed, emptied or written anew; it always looks. */
  readonly beforeChange: () => Promise<void>;
}

/**
 * A lease is lost by a process that stood still for half a minute, or lost sight of its disk. Looking for every chunk would
 * cost more than writing it; a process that stood still finds that the time of its last look has passed.
 */
const lookEveryMs = 250;

export function guardBy(lease: Lease): Guard {
  let lookedAt = -Infinity;
  let isLost = false;
  const look = async (): Promise<void> => {
    lookedAt = performance.now();
    isLost ||= !(await lease.isHeld());
    if (isLost) throw new LeaseLost('the lease of this download was taken over');
  };
  return {
    beforeChunk: async () => {
      if (isLost || performance.now() - lookedAt >= lookEveryMs) await look();
    },
    beforeChange: look,
  };
}

/** For tidying up: what somebody else holds is left to them. */
export function ignoreLoss(error: unknown): void {
  if (!(error instanceof LeaseLost)) throw error;
}
