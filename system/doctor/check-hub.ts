import { bad, good } from './contract.ts';
import type { Finding, HostPlaces } from './contract.ts';

const answerMs = 5_000;

/** Any answer shows that the way to the hub is open; what it allows is told when a model is fetched. */
export async function checkHub({ hubEndpoint }: HostPlaces, signal: AbortSignal): Promise<Finding> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  try {
    const response = await fetch(hubEndpoint, { method: 'HEAD', redirect: 'manual', signal: limit });
    return good(`${new URL(hubEndpoint).host} answers (${response.status})`);
  } catch (error) {
    return bad(
      `${hubEndpoint} does not answer: ${reasonOf(error)}`,
      'Check HF_ENDPOINT, the proxy and the network.',
    );
  }
}

/** fetch hides the network's own words in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
