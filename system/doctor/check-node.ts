import { bad, good } from './contract.ts';
import type { Finding } from './contract.ts';
import { isAtLeast } from './version.ts';

const least = [20, 19] as const;

export async function checkNode(): Promise<Finding> {
  const { node } = process.versions;
  return isAtLeast(node, least) ? good(node) : bad(node, `Install Node ${least.join('.')} or newer.`);
}
