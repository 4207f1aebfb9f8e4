import { z } from 'zod';
import { BuildFailure } from '../core/domain/failures.ts';

const Environment = z.object({
  ENGINEWRIGHT_HOME: z.string().min(1).optional(),
  ENGINEWRIGHT_WEIGHTS: z.string().min(1).optional(),
  ENGINEWRIGHT_LLAMA_LIBRARIES: z.string().min(1).optional(),
  ENGINEWRIGHT_THREADS: z.coerce.number().int().min(1).max(1024).optional(),
  TEMPORAL_ADDRESS: z.string().min(1).optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_PATH: z.string().min(1).optional(),
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !hasCredentials(text), 'it carries a name or password; a token belongs in HF_TOKEN')
    .optional(),
  NO_COLOR: z.string().optional(),
});

/** An endpoint travels in workflow arguments and plans, where everybody may read it. */
function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

export interface Environment {
  /** Store, database and logs. */
  readonly home: string | null;
  readonly weightsExecutable: string | null;
  readonly llamaLibraries: string | null;
  /** Threads of an engine; null: one core is left free. */
  readonly threads: number | null;
  readonly temporalAddress: string | null;
  readonly namespace: string;
  readonly temporalPath: string | null;
  readonly hubEndpoint: string | null;
  readonly color: boolean;
  /** Everything as it stands, for what reads conventions of others (HF_HOME, XDG_CACHE_HOME, a token by its name). */
  readonly raw: Readonly<Record<string, string | undefined>>;
}

/** The one reader of process.env. Throws UsageInvalid naming the variable. */
export function readEnvironment(
  raw: Readonly<Record<string, string | undefined>> = process.env,
): Environment {
  // An empty variable means the same as none.
  const given = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BuildFailure(
      'UsageInvalid',
      `the variable ${String(issue?.path[0])} is not valid: ${issue?.message}`,
    );
  }
  const { data } = parsed;
  const or = (text: string | undefined): string | null => text ?? null;
  return {
    home: or(data.ENGINEWRIGHT_HOME),
    weightsExecutable: or(data.ENGINEWRIGHT_WEIGHTS),
    llamaLibraries: or(data.ENGINEWRIGHT_LLAMA_LIBRARIES),
    threads: data.ENGINEWRIGHT_THREADS ?? null,
    temporalAddress: or(data.TEMPORAL_ADDRESS),
    namespace: data.TEMPORAL_NAMESPACE,
    temporalPath: or(data.TEMPORAL_PATH),
    hubEndpoint: or(data.HF_ENDPOINT),
    color: data.NO_COLOR === undefined,
    raw,
  };
}

/** The environment for a process of our own, which reads the same variables. */
export function definedVariables({ raw }: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(raw).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
