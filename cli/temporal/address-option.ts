import type { Option } from '../define-command.ts';

/** For verbs that talk to a server that is up. */
export const addressOption = {
  type: 'string',
  value: 'HOST:PORT',
  description: 'Temporal server (default: the one running here).',
} as const satisfies Option;
