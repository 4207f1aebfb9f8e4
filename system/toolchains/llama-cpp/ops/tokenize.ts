import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';

export const tokenize: Operation<'tokenize'> = (state, { engine, text, addSpecial, parseSpecial }) => ({
  tokens: findEngine(state, engine).codec.tokenize(text, { addSpecial, parseSpecial }),
});

export const detokenize: Operation<'detokenize'> = (state, { engine, tokens, renderSpecial }) => ({
  text: findEngine(state, engine).codec.detokenize(tokens, renderSpecial),
});
