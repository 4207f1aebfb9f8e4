import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { BuildFailure } from '../../core/domain/failures.ts';
import { errorCode } from '../files/atomic-write.ts';

const loopback = '127.0.0.1';

/** Ports of the loopback interface nobody listens on; held all at once while choosing, so no two are the same. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const listeners = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = listeners.map((listener) => portOf(listener));
  await Promise.all(listeners.map((listener) => close(listener)));
  return ports;
}

/** Throws PortTaken, naming the port, when someone listens on it or it may not be listened on. */
export async function requireFreePort(port: number): Promise<void> {
  try {
    await close(await listen(port));
  } catch (error) {
    const why = errorCode(error) === 'EADDRINUSE' ? 'is in use' : `cannot be used (${errorCode(error)})`;
    throw new BuildFailure('PortTaken', `port ${port} on ${loopback} ${why}`, {
      details: { port },
      cause: error,
    });
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once('error', reject);
    listener.listen({ port, host: loopback, exclusive: true }, () => resolve(listener));
  });
}

function portOf(listener: Server): number {
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  return address.port;
}

function close(listener: Server): Promise<void> {
  return new Promise((resolve) => listener.close(() => resolve()));
}
