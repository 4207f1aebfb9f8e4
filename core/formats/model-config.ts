import { BuildFailure } from '../domain/failures.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { JsonSyntaxError } from './strict-json.ts';

/** The few facts of a model's `config.json` that decide how its weights are written. */
export interface ModelConfigFacts {
  readonly vocabularySize: number | undefined;
  /** Undefined when the config leaves it to the architecture. */
  readonly tiesWordEmbeddings: boolean | undefined;
  /** `model_type`: the architecture's name in transformers. */
  readonly modelType: string | undefined;
  /** `_name_or_path`: where transformers had the model from when it was saved. */
  readonly savedFrom: string | undefined;
  /** `quant_method` of `quantization_config`, or that there is one: the weights are codes. */
  readonly quantization: string | undefined;
}

/** What is known of a folder without a config.json: an adapter, a bare file. */
export const noConfigFacts: ModelConfigFacts = {
  vocabularySize: undefined,
  tiesWordEmbeddings: undefined,
  modelType: undefined,
  savedFrom: undefined,
  quantization: undefined,
};

type Fields = { readonly [key: string]: unknown };

/** Multimodal models keep the language model's settings one level down. */
const nested = 'text_config';

/** Reads `config.json` text. WeightsCorrupt if it is no JSON object. */
export function readModelConfig(text: string, file: string): ModelConfigFacts {
  const config = parse(text, file);
  const inner = isFields(config[nested]) ? config[nested] : {};
  const size = config['vocab_size'] ?? inner['vocab_size'];
  const tie = config['tie_word_embeddings'] ?? inner['tie_word_embeddings'];
  return {
    vocabularySize: typeof size === 'number' ? size : undefined,
    tiesWordEmbeddings: typeof tie === 'boolean' ? tie : undefined,
    modelType: textOf(config['model_type']),
    savedFrom: textOf(config['_name_or_path']),
    quantization: readQuantization(config['quantization_config'] ?? inner['quantization_config']),
  };
}

function readQuantization(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false) return undefined;
  return (isFields(value) ? textOf(value['quant_method']) : undefined) ?? 'of an unnamed method';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export type ConfigChanges = Partial<Pick<ModelConfigFacts, 'vocabularySize' | 'tiesWordEmbeddings'>>;

/** The same config with some facts changed, wherever it states them; the order of its keys stays. */
export function changeModelConfig(text: string, file: string, changes: ConfigChanges): string {
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
