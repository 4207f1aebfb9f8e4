import { expect } from 'vitest';
import { failures, isFailureName, type FailureName } from '../../../core/domain/failures.ts';
import type { CliEnd } from './cli.ts';

/** How a refusal reads: the named failures on stderr, what is on stdout, and any stack trace. */
export function refusalIn({ exitCode, stdout, stderr }: CliEnd): object {
  const lines = stderr.split('\n');
  const said = lines.filter((line) => isFailureName(/^(\w+): /.exec(line)?.[1] ?? ''));
  // Without a named failure everything is shown, so that a test that fails tells why.
  return {
    exitCode,
    stdout,
    said: said.length === 0 ? lines : said,
    trace: lines.filter((line) => /^\s+at /.test(line)),
  };
}

/** One sentence under the failure's name, the exit code of its row, nothing on stdout, no stack trace. */
export function refusedAs(name: FailureName, message: RegExp): object {
  const sentence = expect.stringMatching(new RegExp(`^${name}: .*${message.source}`)) as string;
  return { exitCode: failures[name].exit, stdout: '', said: [sentence], trace: [] };
}
