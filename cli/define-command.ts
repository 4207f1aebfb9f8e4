import { parseArgs } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { BuildFailure } from '../core/domain/failures.ts';
import { nearest } from '../core/domain/nearest.ts';
import type { Printer } from './output/printer.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** How its value is called in the help, e.g. `DIR`. */
  readonly value?: string;
  readonly description: string;
}
export type Options = { readonly [name: string]: Option };

type ValueOf<O extends Option> = O['type'] extends 'boolean'
  ? boolean
  : O['multiple'] extends true
    ? readonly string[]
    : string | undefined;
export type Values<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** What every verb is given. */
export interface Context {
  readonly environment: Environment;
  /** Store, database and logs. */
  readonly home: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly print: Printer;
}

export interface Invocation<O extends Options> extends Context {
  readonly options: Values<O>;
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly options: Options;
  /** Parses and runs; returns the exit code. */
  readonly run: (args: readonly string[], context: Context) => Promise<number>;
}

interface CommandSpec<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** Positionals in words, e.g. `IN OUT`; a name in brackets may be left out. */
  readonly positionals: string;
  readonly options: O;
  /** Returns the exit code; nothing means 0. */
  readonly run: (invocation: Invocation<O>) => Promise<number | void>;
}

/** Understood by every verb; main.ts reads them before the verb does. */
export const commonOptions = {
  json: { type: 'boolean', description: 'Print the result as JSON on stdout.' },
  home: {
    type: 'string',
    value: 'DIR',
    description: 'Store, database and logs (default: $ENGINEWRIGHT_HOME or ./.enginewright).',
  },
  help: { type: 'boolean', description: 'Show this help.' },
} as const satisfies Options;

/** One verb = one file = one object. Unknown flags and a wrong number of words are refused before it runs. */
export function defineCommand<O extends Options>(spec: CommandSpec<O>): Command {
  const { name, summary, positionals, options } = spec;
  return {
    name,
    summary,
    usage: `enginewright ${name}${positionals === '' ? '' : ` ${positionals}`}`,
    options,
    async run(args, context) {
      const parsed = parse(spec, args);
      return (await spec.run({ ...context, ...parsed })) ?? 0;
    },
  };
}

function parse<O extends Options>(
  { name, options, positionals: words }: CommandSpec<O>,
  args: readonly string[],
) {
  const all: Options = { ...options, ...commonOptions };
  const config = Object.fromEntries(
    Object.entries(all).map(([key, { type, multiple }]) => [key, { type, multiple: multiple ?? false }]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: config,
      allowPositionals: true,
      strict: true,
    });
    requireWords(name, words, positionals);
    const filled = Object.entries(all).map(([key, option]) => [key, values[key] ?? emptyValue(option)]);
    return { options: Object.fromEntries(filled) as Values<O>, positionals };
  } catch (error) {
    if (error instanceof TypeError)
      throw new BuildFailure('UsageInvalid', explain(error, Object.keys(all)), {
        hint: `Run enginewright ${name} --help.`,
      });
    throw error;
  }
}

function emptyValue({ type, multiple }: Option): unknown {
  if (type === 'boolean') return false;
  return multiple === true ? [] : undefined;
}

function requireWords(name: string, words: string, given: readonly string[]): void {
  const all = words.split(' ').filter((word) => word !== '');
  const required = all.filter((word) => !word.startsWith('['));
  if (given.length < required.length)
    throw new BuildFailure('UsageInvalid', `${name} needs ${required.slice(given.length).join(' and ')}`);
  const extra = given[all.length];
  if (extra !== undefined)
    throw new BuildFailure('UsageInvalid', `${name} does not know what to do with '${extra}'`);
}

/** Node's message, with the nearest known flag. */
function explain(error: TypeError, known: readonly string[]): string {
  const flag = /'--?([\w-]+)'/.exec(error.message)?.[1];
  if (!error.message.startsWith('Unknown option') || flag === undefined)
    return error.message.split('. ')[0] ?? error.message;
  const meant = nearest(flag, known);
  return `unknown flag --${flag}${meant === undefined ? '' : `: did you mean --${meant}?`}`;
}
