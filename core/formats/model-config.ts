import { BuildFailure } from '../domain/failures.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { JsonSyntaxError } from './strict-json.ts';

/** The few facts of a model's `config.json` that decide how its weights are written. */
export interface ModelConfigFacts {
  readonly vocabularySize: number | undefined;
  readonly tiesWordEmbeddings: boolean;
  /** `model_type`: the architecture's name in transformers. */
  readonly modelType: string | undefined;
}

type Fields = { readonly [key: string]: unknown };

/** Multimodal models keep the language model's settings one level down. */
const nested = 'text_config';

/** Reads `config.json` text. WeightsCorrupt if it is no JSON object. */
export function readModelConfig(text: string, file: string): ModelConfigFacts {
  const config = parse(text, file);
  const inner = isFields(config[nested]) ? config[nested] : {};
  const size = config['vocab_size'] ?? inner['vocab_size'];
  const tie = config['tie_word_embeddings'] ?? inner['tie_word_embeddings'];
  const type = config['model_type'];
  return {
    vocabularySize: typeof size === 'number' ? size : undefined,
    tiesWordEmbeddings: tie === true,
    modelType: typeof type === 'string' ? type : undefined,
  };
}

/** The same config with some facts changed, wherever it states them; the order of its keys stays. */
export function changeModelConfig(text: string, file: string, changes: Partial<ModelConfigFacts>): string {
  const config = parse(text, file);
  const fields = {
    ...(changes.vocabularySize === undefined ? {} : { vocab_size: changes.vocabularySize }),
    ...(changes.tiesWordEmbeddings === undefined ? {} : { tie_word_embeddings: changes.tiesWordEmbeddings }),
  };
  const inner = config[nested];
  const changed = isFields(inner) ? { ...config, [nested]: { ...inner, ...fields } } : config;
  const outer = isFields(inner)
    ? Object.fromEntries(Object.entries(fields).filter(([key]) => key in config))
    : fields;
  return `${JSON.stringify({ ...changed, ...outer }, null, 2)}\n`;
}

function parse(text: string, file: string): Fields {
  try {
    const value = parseBoundedJson(text);
    if (isFields(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    // Told below, with the file's name instead of the parser's words.
  }
  throw new BuildFailure('WeightsCorrupt', `${file} is no JSON object`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
