import { captureStatistics } from '../activities/capture-statistics/contract.ts';
import { convertAdapter } from '../activities/convert-adapter/contract.ts';
import { convertCheckpoint, type ConvertCheckpointInput } from '../activities/convert-checkpoint/contract.ts';
import { quantize } from '../activities/quantize/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import { canonicalJson, type Json, type JsonObject } from '../core/domain/json.ts';
import type { Plan, VariantPlan } from '../core/domain/plan.ts';
import { cpuQueue } from '../core/domain/queues.ts';
import type { PreparedModel } from './prepare-model.ts';
import type { Story } from './story.ts';

/** What a variant's engine is built from. */
export interface Checkpoints {
  readonly checkpoint: ArtifactRef<'checkpoint'>;
  readonly adapters: readonly { readonly checkpoint: ArtifactRef<'checkpoint'>; readonly weight: number }[];
  /** Our own quantization of the model, when the variant has one. */
  readonly quantized: ArtifactRef<'quantized'> | null;
}

/**
 * Writes checkpoints, each once, when the first variant asks: variants whose conversion has equal parameters share
 * theirs, and all calibrated ones share the statistics of one look at the activations.
 */
export class CheckpointWriter {
  readonly #story: Story;
  readonly #plan: Plan;
  readonly #prepared: PreparedModel;
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #counts = new Map<string, number>();

  constructor(story: Story, plan: Plan, prepared: PreparedModel) {
    this.#story = story;
    this.#plan = plan;
    this.#prepared = prepared;
  }

  async write(variant: VariantPlan): Promise<Checkpoints> {
    const { toolchain, queue, checkpoint: parameters } = variant;
    const quantized = variant.quantize === null ? null : await this.#quantize(variant);
    const model = quantized ?? this.#prepared.model;
    const checkpoint = await this.#convert(
      { model, toolchain, parameters, label: quantized === null ? null : variant.label },
      queue,
    );
    return { checkpoint, adapters: await this.#writeAdapters(variant), quantized };
  }

  async #quantize(variant: VariantPlan): Promise<ArtifactRef<'quantized'> | null> {
    if (variant.quantize === null) return null;
    const { parameters, calibrated } = variant.quantize;
    const statistics = calibrated ? await this.#capture(variant) : null;
    const { model } = this.#prepared;
    return this.#once('quantize', parameters, async (id) => {
      const input = { model, statistics, parameters, label: variant.label };
      return (await this.#story.step(quantize, input, { id, queue: cpuQueue })).artifact;
    });
  }

  async #capture({
    toolchain,
    queue,
    checkpoint: parameters,
  }: VariantPlan): Promise<ArtifactRef<'statistics'> | null> {
    const { calibration } = this.#plan;
    if (calibration === null) return null;
    const { model } = this.#prepared;
    const checkpoint = await this.#convert({ model, toolchain, parameters, label: null }, queue);
    return this.#once('capture-statistics', { toolchain, parameters }, async (id) => {
      const input = { checkpoint, model, toolchain, calibration };
      return (await this.#story.step(captureStatistics, input, { id, queue })).artifact;
    });
  }

  #convert(input: ConvertCheckpointInput, queue: string): Promise<ArtifactRef<'checkpoint'>> {
    const { model, toolchain, parameters } = input;
    return this.#once(
      'convert-checkpoint',
      { model: model.digest, toolchain, parameters },
      async (id) => (await this.#story.step(convertCheckpoint, input, { id, queue })).artifact,
    );
  }

  async #writeAdapters({ toolchain, queue }: VariantPlan): Promise<Checkpoints['adapters']> {
    const { model, runTimeAdapters } = this.#prepared;
    const written = [];
    for (const { weights, weight, label } of runTimeAdapters) {
      const input = { adapter: weights, base: model, toolchain, label };
      const identity: JsonObject = { adapter: weights.digest, toolchain };
      const checkpoint = await this.#once(
        'convert-adapter',
        identity,
        async (id) => (await this.#story.step(convertAdapter, input, { id, queue })).artifact,
      );
      written.push({ checkpoint, weight });
    }
    return written;
  }

  /** `id` is the step's name, with a number from the second on. */
  async #once<T>(step: string, identity: Json, make: (id: string) => Promise<T>): Promise<T> {
    const name = canonicalJson([step, identity]);
    // Whatever stands under a name was made by the very call that asks for it now.
    const known = this.#made.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const count = (this.#counts.get(step) ?? 0) + 1;
    this.#counts.set(step, count);
    const promise = make(count === 1 ? step : `${step}/${count}`);
    this.#made.set(name, promise);
    return promise;
  }
}
