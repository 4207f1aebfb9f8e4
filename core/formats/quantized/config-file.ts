import { BuildFailure } from '../../domain/failures.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { parseBoundedJson } from '../bounded-json.ts';
import { JsonSyntaxError } from '../strict-json.ts';

/** Parses config.json. WeightsCorrupt if it is no JSON object. */
export function parseModelConfig(text: string, file: string): JsonObject {
  try {
    const config = parseBoundedJson(text) as Json;
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as JsonObject;
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
