import { cpus, hostname, userInfo } from 'node:os';
import type { JsonObject } from '../core/domain/json.ts';

/** What makes a measurement comparable with another: the same name, processor and cores. */
export function describeHost(): JsonObject {
  return { host: hostname(), processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
}

export function userName(): string {
  return userInfo().username;
}
