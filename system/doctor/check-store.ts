import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuildFailure } from '../../core/domain/failures.ts';
import { createAtomically } from '../files/atomic-write.ts';
import { bad, good } from './contract.ts';
import type { Finding, HostPlaces } from './contract.ts';

/** Mode bits lie on read-only and network file systems; writing a file the way the store does tells the truth. */
export async function checkStore({ home }: HostPlaces): Promise<Finding> {
  const probe = join(home, `.doctor-${randomUUID()}`);
  try {
    await createAtomically(probe, 'written by enginewright doctor\n');
    return good(`${home} can be written`);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return bad(
      words,
      isBuildFailure(error) ? error.hint : 'Set ENGINEWRIGHT_HOME to a folder that can be written.',
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
