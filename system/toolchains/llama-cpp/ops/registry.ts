import type { OperationName } from '../protocol.ts';
import { capture } from './capture.ts';
import { divergence } from './divergence.ts';
import { generate } from './generate.ts';
import { identity } from './identity.ts';
import { inspect } from './inspect.ts';
import { logits } from './logits.ts';
import { measure } from './measure.ts';
import { closeEngine, openEngine } from './open-engine.ts';
import type { Operation } from './operation.ts';
import { perplexity } from './perplexity.ts';
import { quantize } from './quantize.ts';
import { detokenize, tokenize } from './tokenize.ts';

/** Every operation of the protocol; the compiler demands each. */
export const registry: { readonly [Op in OperationName]: Operation<Op> } = {
  identity,
  quantize,
  inspect,
  open: openEngine,
  close: closeEngine,
  tokenize,
  detokenize,
  generate,
  perplexity,
  divergence,
  measure,
  logits,
  capture,
};
