import { failures, type FailureRow } from '../../core/domain/failures.ts';
import { markdownTable } from './markdown-table.ts';

const retries: { readonly [R in FailureRow['retry']]: string } = {
  never: 'no',
  later: 'after a while',
  elsewhere: 'on another worker',
};

/** docs/failures.md: the failure table as it stands in the code. */
export function failuresPage(): string {
  const rows = Object.entries(failures).map(([name, { title, advice, retry, exit }]) => [
    `<a id="${name.toLowerCase()}"></a>\`${name}\``,
    title,
    advice,
    retries[retry],
    String(exit),
  ]);
  return [
    '# Failures',
    '',
    '<!-- Made by `npm run docs` from core/domain/failures.ts; do not edit. -->',
    '',
    'Everything that is expected to go wrong has a name here. Names are permanent: scripts may test for them.',
    'A failure is printed as its name, what happened with its facts, and what you can do; with `--json` the same',
    'are fields. In the Temporal UI the name is the type of the failure.',
    '',
    '*Tried again* tells what Temporal does with a step that fails so. *Exit* is the exit code of the command',
    '(64 and up as in `sysexits.h`).',
    '',
    markdownTable(['Name', 'What happened', 'What you can do', 'Tried again', 'Exit'], rows),
    '',
    'A run that ends well exits with 0. `run` exits with 1 when its verdict is `fail` or `error` and with 2 when it',
    'is `inconclusive`; a failed gate is a result, not a failure.',
    '',
  ].join('\n');
}
