import { Connection } from '@temporalio/client';
import { BuildFailure } from '../../core/domain/failures.ts';
import { registerSearchAttributes, type NamespaceSettings } from './bootstrap-namespace.ts';

const connectMs = 5_000;

/** Connects within seconds. Throws ServerUnreachable naming the address. */
export async function connectToServer(address: string): Promise<Connection> {
  try {
    return await Connection.connect({ address, connectTimeout: connectMs });
  } catch (error) {
    throw new BuildFailure('ServerUnreachable', `no Temporal server answers at ${address}`, { cause: error });
  }
}

/** Teaches a server that somebody else runs the search attributes; without them no run can start there. */
export async function prepareServer(
  address: string,
  settings: Pick<NamespaceSettings, 'namespace' | 'attributes'>,
): Promise<void> {
  const connection = await connectToServer(address);
  try {
    await registerSearchAttributes(connection, settings);
  } finally {
    await connection.close();
  }
}
