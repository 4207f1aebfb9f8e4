import { hostChecks } from './checks.ts';
import { bad } from './contract.ts';
import type { Finding, HostPlaces } from './contract.ts';

const checkMs = 20_000;

export interface NamedFinding extends Finding {
  readonly name: string;
  readonly neededFor: string;
}

/**
 * Looks at everything this host needs, all at once, each for at most 20 s, and changes nothing but an own file in
 * the home folder that it removes again. A check that fails is a finding, never an error; only an abort rejects.
 */
export async function examineHost(places: HostPlaces, signal: AbortSignal): Promise<readonly NamedFinding[]> {
  const findings = await Promise.all(
    hostChecks.map(async ({ name, neededFor, look }) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(checkMs)]);
      const finding = await Promise.race([look(places, limit), whenAborted(limit)]).catch(asFinding);
      return { name, neededFor, ...finding };
    }),
  );
  signal.throwIfAborted();
  return findings;
}

/** A dead network mount stops a check that no signal can reach. */
function whenAborted(signal: AbortSignal): Promise<Finding> {
  return new Promise((resolve) => {
    const giveUp = (): void =>
      resolve(bad('gave no answer in time', 'Look at the disk or the network it depends on.'));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** A bug in a check must not hide what the others found. */
function asFinding(error: unknown): Finding {
  return bad(
    error instanceof Error ? error.message : String(error),
    'The check itself failed; please report it.',
  );
}
