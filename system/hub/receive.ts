import type { IncomingMessage } from 'node:http';
import { BuildFailure } from '../../core/domain/failures.ts';
import { type HubConnection, unreachable } from './hub-connection.ts';
import { PassingTrouble } from './patience.ts';

/** A drip slower than this in one `stallMs` is a stall: it would hold a worker for years. */
const leastBytes = 1024;

/**
 * The chunks of a body, watched by bytes: a stream that stalls is cut. Throws PassingTrouble when the connection
 * breaks before the body's end, the signal's reason on abort. Leaving the loop early closes the connection.
 */
export async function* receive(
  body: IncomingMessage,
  connection: HubConnection,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { stallMs } = connection.patience;
  let received = 0;
  let lastSeen = 0;
  let isStalled = false;
  const watch = setInterval(() => {
    isStalled = received - lastSeen < leastBytes;
    lastSeen = received;
    if (isStalled) body.destroy();
  }, stallMs);
  try {
    for await (const chunk of body) {
      const bytes = chunk as Uint8Array;
      received += bytes.length;
      yield bytes;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw isStalled ? stalled(connection) : unreachable(connection.endpoint.host, error);
  } finally {
    clearInterval(watch);
  }
  // Destroyed without an error, the loop above just ends.
  if (isStalled) throw stalled(connection);
}

function stalled({ endpoint, patience }: HubConnection): PassingTrouble {
  const seconds = patience.stallMs / 1000;
  return new PassingTrouble(
    new BuildFailure('HubUnreachable', `${endpoint.host} sent next to nothing for ${seconds} s`),
  );
}
