import { BuildFailure } from '../../../../core/domain/failures.ts';
import { writeTexts, type Writer } from '../continuous-batching.ts';
import type { Engine } from '../engine.ts';
import type { GeneratedText, Params, Prompt } from '../protocol.ts';
import { findEngine } from './find-engine.ts';
import type { Operation, ReportProgress } from './operation.ts';
import { StopWatcher } from './stop-watcher.ts';

export const generate: Operation<'generate'> = async (state, params, report) => {
  const engine = findEngine(state, params.engine);
  const drafts = params.prompts.map((prompt) => new Draft(engine, prompt, params));
  let done = 0;
  const finished = (): void => reportTexts(report, ++done, drafts.length);
  for (const draft of drafts) draft.onFinish = finished;
  await writeTexts(engine, drafts, engine.sequences);
  return { texts: drafts.map((draft) => draft.result()) };
};

function reportTexts(report: ReportProgress, done: number, total: number): void {
  report(done / total, `${done} of ${total} texts`);
}

/** One prompt and its answer as it grows. */
class Draft implements Writer {
  readonly prompt: readonly number[];
  onFinish: () => void = () => {};
  readonly #engine: Engine;
  readonly #id: string;
  readonly #params: Params<'generate'>;
  readonly #tokens: number[] = [];
  readonly #stops: StopWatcher;
  #ended = false;
  #finish: GeneratedText['finish'] = 'length';

  constructor(engine: Engine, prompt: Prompt, params: Params<'generate'>) {
    this.#engine = engine;
    this.#id = prompt.id;
    this.#params = params;
    this.#stops = new StopWatcher(params.stopStrings ?? []);
    this.prompt =
      'tokens' in prompt
        ? prompt.tokens
        : engine.codec.tokenize(prompt.text, { addSpecial: true, parseSpecial: true });
    checkPrompt(this.prompt, { id: prompt.id, engine, maxNewTokens: params.maxNewTokens });
  }

  take(token: number): boolean {
    this.#tokens.push(token);
    this.#ended = this.#engine.endsGeneration(token);
    if (this.#ended || this.#stops.sees(this.#engine.codec.pieceOf(token, this.#rendersSpecial)))
      this.#finish = 'stop';
    const goesOn = this.#finish === 'length' && this.#tokens.length < this.#params.maxNewTokens;
    if (!goesOn) this.onFinish();
    return goesOn;
  }

  result(): GeneratedText {
    const shown = this.#ended ? this.#tokens.slice(0, -1) : this.#tokens;
    const text = this.#stops.cut(this.#engine.codec.detokenize(shown, this.#rendersSpecial));
    return {
      id: this.#id,
      text,
      tokens: this.#tokens,
      finish: this.#finish,
      promptTokens: this.prompt.length,
    };
  }

  get #rendersSpecial(): boolean {
    return this.#params.renderSpecial === true;
  }
}

interface PromptBounds {
  readonly id: string;
  readonly engine: Engine;
  readonly maxNewTokens: number;
}

function checkPrompt(tokens: readonly number[], { id, engine, maxNewTokens }: PromptBounds): void {
  if (tokens.length === 0) throw new BuildFailure('ToolFailed', `the prompt ${id} has no token`);
  if (tokens.some((token) => token >= engine.vocabularySize)) {
    throw new BuildFailure('ToolFailed', `the prompt ${id} has a token outside the vocabulary`);
  }
  if (tokens.length + maxNewTokens <= engine.contextTokens) return;
  throw new BuildFailure(
    'ToolFailed',
    `the prompt ${id} has ${tokens.length} tokens; with ${maxNewTokens} new ones it exceeds the context of ${engine.contextTokens}`,
  );
}
