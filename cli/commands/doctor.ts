import { examineHost } from '../../system/doctor/examine-host.ts';
import type { HostPlaces } from '../../system/doctor/contract.ts';
import { hubSettings } from '../../system/hub/hub-settings.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { packageRoot } from '../../system/package-root.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import { defineCommand, type Context } from '../define-command.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Tell what is missing on this host, and how to get it.',
  positionals: '',
  options: {},
  async run(context) {
    const findings = await examineHost(await placesOf(context), context.signal);
    const width = Math.max(...findings.map(({ name }) => name.length));
    const lines = findings.flatMap(({ name, ok, found, advice }) => [
      `${ok ? '✔' : '✘'} ${name.padEnd(width)}  ${found}`,
      ...(ok ? [] : [`  ${' '.repeat(width)}  ${advice}`]),
    ]);
    context.print.result(findings, lines.join('\n'));
    return findings.every(({ ok }) => ok) ? 0 : 69;
  },
});

async function placesOf({ environment, home }: Context): Promise<HostPlaces> {
  const { endpoint } = await hubSettings(environment.raw);
  const server = locateTemporalServer({
    root: packageRoot(),
    override: environment.temporalPath ?? undefined,
  });
  return {
    compiler: environment.raw['CXX'] ?? 'c++',
    temporalServer: await server.catch(() => environment.temporalPath ?? 'not fetched'),
    weightsProgram: found(() => locateWeights(environment.weightsExecutable)),
    llamaLibraries: environment.llamaLibraries ?? undefined,
    home,
    hubEndpoint: endpoint,
  };
}

/** A path that leads nowhere is what the check is to find out. */
function found(locate: () => string): string {
  try {
    return locate();
  } catch {
    return 'not built';
  }
}
