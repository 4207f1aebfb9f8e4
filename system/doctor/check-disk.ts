import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../files/atomic-write.ts';
import { bad, good } from './contract.ts';
import type { Finding, HostPlaces } from './contract.ts';

/** The sample needs a few hundred MB; a 7 B model with its merged copy and one engine needs 40 GB, which plan tells. */
const leastBytes = 5 * 2 ** 30;

export async function checkDisk({ home }: HostPlaces): Promise<Finding> {
  const { bavail, bsize } = await statfsOfNearest(home);
  const free = bavail * bsize;
  const found = `${(free / 2 ** 30).toFixed(1)} GiB free under ${home}`;
  return free >= leastBytes
    ? good(found)
    : bad(found, 'Free some space, or set ENGINEWRIGHT_HOME to a larger disk.');
}

/** The home folder may not exist yet; then the folder that will hold it counts. */
async function statfsOfNearest(folder: string): Promise<StatsFs> {
  try {
    return await statfs(folder);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(folder) === folder) throw error;
    return statfsOfNearest(dirname(folder));
  }
}
