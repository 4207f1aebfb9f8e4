import { BuildFailure } from '../../domain/failures.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { MatrixRange } from '../../domain/weights-plan.ts';
import { type PlannedTensor, pieceOf } from '../pieces.ts';
import type { WeightTensor } from '../tensor.ts';
import { quantizationConfigOf } from './config-file.ts';
import type { Linear, PlannedPart, QuantizedModules, ScaleDtype } from './format.ts';
import { quantizedFormats } from './formats.ts';
import { fusedWith, listLinearModules, warnAboutSplitModules } from './linear-modules.ts';
import { matrixOf, roundTo } from './linear-pieces.ts';
import { checkScheme, type QuantizationScheme } from './scheme.ts';
import type { SolvedLinear, SolvedTensors } from './solved-tensors.ts';

export interface QuantizingRequest {
  /** Of the model as it is. */
  readonly tensors: readonly WeightTensor[];
  /** config.json, parsed. */
  readonly config: Json;
  readonly scheme: QuantizationScheme;
  /** Patterns of modules that stay as they are. */
  readonly exclude: readonly string[];
  /** Codes that a solver found, instead of rounding to nearest. */
  readonly solved?: SolvedTensors;
  /** Of stored scales; the format's own choice unless given. */
  readonly scaleDtype?: ScaleDtype;
}

/** What becomes of one tensor of the model. */
export type QuantizedTensor =
  | { readonly source: WeightTensor; readonly kept: PlannedTensor }
  | { readonly source: WeightTensor; readonly module: string; readonly parts: readonly PlannedPart[] };

export interface QuantizingPlan {
  /** One for each tensor of the model, in its order. */
  readonly tensors: readonly QuantizedTensor[];
  readonly modules: QuantizedModules;
  /** `quantization_config` of config.json. */
  readonly quantizationConfig: JsonObject;
  readonly notices: readonly string[];
}

/**
 * Decides what every tensor of the quantized model consists of. Linears of the model's family become codes and scales;
 * embeddings, norms, biases and the output layer stay. Throws UsageInvalid (scheme, patterns), WeightsUnsupported
 * (already quantized; not floats), FamilyUnsupported, QuantizationUnfit and WeightsCorrupt (a linear is missing).
 */
export function planQuantized(request: QuantizingRequest): QuantizingPlan {
  const { tensors, config, scheme } = request;
  checkScheme(scheme);
  if (quantizationConfigOf(config) !== undefined)
    throw new BuildFailure(
      'WeightsUnsupported',
      'The model is quantized already: config.json has a quantization_config',
    );
  const modules = listLinearModules(config, request.exclude);
  checkPresent(tensors, modules);
  if (request.solved !== undefined) checkSolved(request.solved, request, modules);
  const quantizing: Quantizing = {
    request,
    matrices: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    quantized: new Set(modules.quantized),
  };
  return {
    tensors: tensors.map((source) => planTensor(source, quantizing)),
    modules,
    quantizationConfig: quantizedFormats[scheme.layout].config(scheme, modules),
    notices: warnAboutSplitModules(modules),
  };
}

interface Quantizing {
  readonly request: QuantizingRequest;
  readonly matrices: ReadonlyMap<string, WeightTensor>;
  readonly quantized: ReadonlySet<string>;
}

function planTensor(source: WeightTensor, quantizing: Quantizing): QuantizedTensor {
  const module = source.name.replace(/\.weight$/, '');
  const isWeight = module !== source.name;
  return isWeight && quantizing.quantized.has(module)
    ? quantize(module, source, quantizing)
    : keep(source, quantizing.request);
}

function quantize(module: string, source: WeightTensor, quantizing: Quantizing): QuantizedTensor {
  const { scheme, solved, scaleDtype } = quantizing.request;
  const { dtype } = matrixOf(source);
  const format = quantizedFormats[scheme.layout];
  const own = dtype === 'F64' ? 'F32' : dtype;
  const codes = solved?.linears.get(module);
  const linear: Linear = {
    module,
    matrix: matrixOf(solved?.replaced.get(source.name) ?? source),
    scaleDtype: scaleDtype ?? (format.scales === 'matrix' ? own : format.scales),
    fusedWith: listFused(module, quantizing),
    ...(codes === undefined ? {} : { solved: codes }),
  };
  const parts = format.parts(linear, scheme);
  if (codes !== undefined) checkCodes(linear, codes, scheme);
  return { source, module, parts };
}

/** The other matrices that engines run as one with this one, as far as they are quantized too. */
function listFused(module: string, { request, matrices, quantized }: Quantizing): MatrixRange[] {
  return fusedWith(module)
    .filter((other) => other !== module && quantized.has(other))
    .map((other) => request.solved?.replaced.get(`${other}.weight`) ?? matrices.get(`${other}.weight`))
    .filter((tensor) => tensor !== undefined)
    .map(matrixOf);
}

function keep(source: WeightTensor, { solved }: QuantizingRequest): QuantizedTensor {
  const { name, dtype, shape, aliasOf } = source;
  const replacement = solved?.replaced.get(name);
  if (replacement !== undefined)
    return {
      source,
      kept: { name, dtype, shape, piece: roundTo(matrixOf(replacement), matrixOf(source).dtype, name) },
    };
  return {
    source,
    kept: { name, dtype, shape, piece: pieceOf(source), ...(aliasOf === undefined ? {} : { aliasOf }) },
  };
}

function checkPresent(tensors: readonly WeightTensor[], { quantized }: QuantizedModules): void {
  const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]));
  for (const module of quantized) {
    const shape = shapes.get(`${module}.weight`);
    if (shape === undefined)
      throw new BuildFailure(
        'WeightsCorrupt',
        `The model has no tensor ${module}.weight, which its config asks for`,
      );
    if (shape.length !== 2 || shape.includes(0))
      throw new BuildFailure('QuantizationUnfit', `${module}.weight of [${shape.join(', ')}] is no matrix`, {
        details: { module },
      });
  }
}

/**
 * A solver's file fits the model: codes or a folded weight of every quantized linear and of no other, replacements of
 * tensors that exist. A file without any codes only folds; then the linears it leaves alone are rounded as they are.
 */
function checkSolved(
  solved: SolvedTensors,
  request: QuantizingRequest,
  { quantized }: QuantizedModules,
): void {
  if (request.scheme.grid.kind !== 'integer')
    throw new BuildFailure('UsageInvalid', 'Solvers find integers; this scheme stores floats');
  const missing = quantized.find(
    (module) => !solved.linears.has(module) && !solved.replaced.has(`${module}.weight`),
  );
  if (missing !== undefined && solved.linears.size > 0) throw misfit(`has no codes of ${missing}`);
  const foreign = [...solved.linears.keys()].find((module) => !quantized.includes(module));
  if (foreign !== undefined) throw misfit(`has codes of ${foreign}, which is not quantized`);
  const shapes = new Map(request.tensors.map(({ name, shape }) => [name, shape.join()]));
  for (const { name, shape } of solved.replaced.values())
    if (shapes.get(name) !== shape.join())
      throw misfit(`replaces ${name} by a tensor of [${shape.join(', ')}]`);
}

function checkCodes(
  linear: Linear,
  { codes, scales, zeros }: SolvedLinear,
  { grid }: QuantizationScheme,
): void {
  const { module, matrix } = linear;
  if (grid.kind !== 'integer') return;
  const groups = grid.group === null ? 1 : matrix.columns / grid.group;
  const asked = `${matrix.rows},${groups}`;
  const fits =
    codes.shape.join() === `${matrix.rows},${matrix.columns}` &&
    scales.shape.join() === asked &&
    (grid.symmetric ? zeros === undefined : zeros?.shape.join() === asked);
  if (!fits)
    throw misfit(`has parts of ${module} that do not fit its shape, the group or the symmetry asked for`);
}

function misfit(problem: string): BuildFailure {
  return new BuildFailure('QuantizationUnfit', `The solver's file ${problem}`);
}
