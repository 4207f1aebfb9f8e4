import { BuildFailure } from '../../domain/failures.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { parseBoundedJson } from '../bounded-json.ts';
import { JsonSyntaxError } from '../strict-json.ts';
import { isObject } from './stored-form.ts';

/** Parses config.json. WeightsCorrupt if it is no JSON object. */
export function parseModelConfig(text: string, file: string): JsonObject {
  try {
    const config = parseBoundedJson(text) as Json;
    if (isObject(config)) return config;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    // Told below, with the file's name instead of the parser's words.
  }
  throw new BuildFailure('WeightsCorrupt', `${file} is no JSON object`);
}

/** The text of config.json with `quantization_config` at its end; loaders decide by it how to read the weights. */
export function addQuantizationConfig(config: JsonObject, quantization: JsonObject): string {
  return `${JSON.stringify({ ...config, quantization_config: quantization }, null, 2)}\n`;
}

/** `quantization_config` of a parsed config.json, or undefined when the model is not quantized. */
export function quantizationConfigOf(config: Json): JsonObject | undefined {
  if (!isObject(config)) return undefined;
  const places = [config, ...(isObject(config['text_config']) ? [config['text_config']] : [])];
  return places
    .flatMap((place) => [place['quantization_config'], place['compression_config']])
    .find((value) => isObject(value));
}
