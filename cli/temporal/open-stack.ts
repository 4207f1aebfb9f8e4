import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { definedVariables } from '../../config/environment.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { readStackRecord } from '../../system/supervisor/stack-record.ts';
import { spawnStack } from '../../system/supervisor/spawn-stack.ts';
import { connectToServer } from '../../system/temporal-server/prepare-server.ts';
import type { Context } from '../define-command.ts';

export interface OpenStack extends AsyncDisposable {
  readonly client: Client;
  readonly address: string;
  /** Null for a server that we did not start. */
  readonly uiAddress: string | null;
  readonly hubEndpoint: string | null;
}

export interface StackWish {
  /** `--address`. */
  readonly address?: string | undefined;
  /** Start one when none is reachable. */
  readonly start: boolean;
  readonly keepUp?: boolean;
  readonly hub?: string | undefined;
}

/** A client of the server that was named, of the stack that runs in this home, or of one started for this verb. */
export async function openStack(context: Context, wish: StackWish): Promise<OpenStack> {
  return (await openRunning(context, wish)) ?? startOwn(context, wish);
}

/**
 * As openStack, but null where one would have to be started. Throws ServerUnreachable when a server was named and does
 * not answer, or when none runs and none may be started.
 */
export async function openRunning(
  context: Context,
  { address, start }: Pick<StackWish, 'address' | 'start'>,
): Promise<OpenStack | null> {
  const { environment, home } = context;
  const named = address ?? environment.temporalAddress;
  if (named !== null)
    return open({ address: named, uiAddress: null, hubEndpoint: null }, context, async () => undefined);
  const running = await readStackRecord(home);
  if (running !== null) return open(running, context, async () => undefined);
  if (start) return null;
  throw new BuildFailure('ServerUnreachable', `nothing runs in ${home}`, {
    hint: 'Start it with enginewright up, or name a server with --address.',
  });
}

async function startOwn(context: Context, wish: StackWish): Promise<OpenStack> {
  const { environment, home, print } = context;
  print.note('starting the embedded Temporal server and workers');
  const main = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url),
  );
  const owner = wish.keepUp === true ? [] : ['--owner', String(process.pid)];
  const hub = wish.hub === undefined ? [] : ['--hub', wish.hub];
  const args = [...process.execArgv, main, 'up', '--home', home, ...owner, ...hub];
  const stack = await spawnStack({ home, args, env: definedVariables(environment) }, context.signal);
  return open(stack.record, context, async () => {
    if (wish.keepUp !== true) await stack.stop();
  });
}

type Addresses = Pick<OpenStack, 'address' | 'uiAddress' | 'hubEndpoint'>;

async function open(
  { address, uiAddress, hubEndpoint }: Addresses,
  { environment }: Context,
  end: () => Promise<void>,
): Promise<OpenStack> {
  const connection = await connectToServer(address).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return {
    client: new Client({ connection, namespace: environment.namespace }),
    address,
    uiAddress,
    hubEndpoint,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await end();
    },
  };
}
