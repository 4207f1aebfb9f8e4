import { cancel } from './commands/cancel.ts';
import { compare } from './commands/compare.ts';
import { convert } from './commands/convert.ts';
import { approve, reject } from './commands/decide.ts';
import { demo } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { generate } from './commands/generate.ts';
import { history } from './commands/history.ts';
import { inspect } from './commands/inspect.ts';
import { merge } from './commands/merge.ts';
import { plan } from './commands/plan.ts';
import { promote } from './commands/promote.ts';
import { quantize } from './commands/quantize.ts';
import { run } from './commands/run.ts';
import { runs } from './commands/runs.ts';
import { score } from './commands/score.ts';
import { show } from './commands/show.ts';
import { up } from './commands/up.ts';
import { worker } from './commands/worker.ts';
import type { Command } from './define-command.ts';

/** Every verb, in the order of the help. */
export const commands: readonly Command[] = [
  run,
  plan,
  demo,
  up,
  worker,
  runs,
  show,
  cancel,
  approve,
  reject,
  promote,
  history,
  convert,
  compare,
  merge,
  quantize,
  inspect,
  score,
  generate,
  doctor,
];
