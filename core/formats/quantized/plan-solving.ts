import { BuildFailure } from '../../domain/failures.ts';
import type { IntegerGrid } from '../../domain/quantize-pieces.ts';
import type { LinearGroup, SolveMethod, SolvePlan } from '../../domain/solve-plan.ts';
import { bytesPiece } from '../pieces.ts';
import { layOutSafetensors } from '../safetensors/write-header.ts';
import type { TensorSpec, WeightTensor } from '../tensor.ts';
import { type Fold, foldOf } from './fold-places.ts';
import type { ScaleDtype } from './format.ts';
import { matrixOf } from './linear-pieces.ts';

export interface SolvingRequest {
  /** Of the model as it is. */
  readonly tensors: readonly WeightTensor[];
  /** Of the statistics: `<module>.gram`, `.mean_abs`, `.amax`, F64. */
  readonly statistics: readonly WeightTensor[];
  /** Module → the module that holds its statistics. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Linears to be solved. */
  readonly modules: readonly string[];
  readonly grid: IntegerGrid;
  readonly scaleDtype: ScaleDtype;
  readonly method: SolveMethod;
  /** The solver's file, absolute. */
  readonly path: string;
}

/**
 * Lays out what `enginewright-weights solve` writes: codes I8 [out, in], scales F32 [out, groups] and zeros of every
 * linear, and the tensors that take up folded scales. Groups that fold into rows of another linear come before it.
 * Throws WeightsCorrupt when statistics or weights of a linear are missing, QuantizationUnfit for a width that is no
 * multiple of the group.
 */
export function planSolving(request: SolvingRequest): SolvePlan {
  const scene = createScene(request);
  const specs = scene.groups.flatMap((group) => specsOf(group, scene));
  const layout = layOutSafetensors(specs);
  const placed = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
  const at = (name: string): number => placed.get(name) ?? 0;
  return {
    version: 1,
    output: { path: request.path, bytes: layout.bytes, header: bytesPiece(layout.header).base64 },
    grid: request.grid,
    scaleDtype: request.scaleDtype,
    method: request.method,
    groups: scene.groups.map((group) => planGroup(group, scene, at)),
  };
}

interface Group {
  /** Whose name the statistics have. */
  readonly key: string;
  readonly modules: readonly string[];
  readonly fold: Fold | null;
}

interface Scene {
  readonly request: SolvingRequest;
  readonly weights: ReadonlyMap<string, WeightTensor>;
  readonly statistics: ReadonlyMap<string, WeightTensor>;
  readonly groups: readonly Group[];
}

function createScene(request: SolvingRequest): Scene {
  const weights = new Map(request.tensors.map((tensor) => [tensor.name, tensor]));
  const statistics = new Map(request.statistics.map((tensor) => [tensor.name, tensor]));
  const members = new Map<string, string[]>();
  for (const module of request.modules) {
    const key = request.inputs.get(module);
    if (key === undefined) throw missing(`statistics of ${module}`);
    members.set(key, [...(members.get(key) ?? []), module]);
  }
  // What is folded into a norm reaches all that read it: one that stays as it is would be given scaled inputs.
  const readers = [...request.inputs.values()];
  const isWhole = (key: string, modules: readonly string[]): boolean =>
    readers.filter((reader) => reader === key).length === modules.length;
  const folds = request.method.kind !== 'gptq';
  const groups = [...members].map(([key, modules]): Group => ({
    key,
    modules,
    fold:
      folds && isWhole(key, modules)
        ? foldOf(modules, { weights, method: request.method.kind, solved: request.modules })
        : null,
  }));
  const isBefore = ({ fold }: Group): boolean => fold?.kind === 'rows';
  return {
    request,
    weights,
    statistics,
    groups: [...groups.filter(isBefore), ...groups.filter((group) => !isBefore(group))],
  };
}

function specsOf({ modules, fold }: Group, { request, weights }: Scene): TensorSpec[] {
  const linears = modules.flatMap((module): TensorSpec[] => {
    const { shape } = weightOf(module, weights);
    const [rows = 0, columns = 0] = shape;
    const groups = request.grid.group === null ? 1 : columns / request.grid.group;
    if (!Number.isInteger(groups)) {
      throw new BuildFailure(
        'QuantizationUnfit',
        `${module} has ${columns} input features, which is not a multiple of ${request.grid.group}`,
        { details: { module } },
      );
    }
    const zeros: TensorSpec = { name: `${module}.zeros`, dtype: 'I8', shape: [rows, groups] };
    return [
      { name: `${module}.codes`, dtype: 'I8', shape: [rows, columns] },
      { name: `${module}.scales`, dtype: 'F32', shape: [rows, groups] },
      ...(request.grid.symmetric ? [] : [zeros]),
    ];
  });
  if (fold?.kind !== 'vector') return linears;
  return [...linears, { name: fold.tensor, dtype: 'F32', shape: weights.get(fold.tensor)?.shape ?? [] }];
}

function planGroup({ key, modules, fold }: Group, scene: Scene, at: (name: string) => number): LinearGroup {
  const { request, weights } = scene;
  const gram = statisticOf(`${key}.gram`, scene);
  return {
    statistics: {
      file: gram.file,
      columns: gram.shape[0] ?? 0,
      gram: gram.offset,
      meanAbs: statisticOf(`${key}.mean_abs`, scene).offset,
      amax: statisticOf(`${key}.amax`, scene).offset,
    },
    linears: modules.map((module) => ({
      name: module,
      weights: matrixOf(weightOf(module, weights)),
      codes: at(`${module}.codes`),
      scales: at(`${module}.scales`),
      zeros: request.grid.symmetric ? null : at(`${module}.zeros`),
      // As llm-awq: cutting off queries and keys costs more than it gains.
      clip: !/\.(?:q|k)_proj$/.test(module),
    })),
    fold: planFold(fold, scene, at),
  };
}

function planFold(fold: Fold | null, { weights }: Scene, at: (name: string) => number): LinearGroup['fold'] {
  if (fold === null) return null;
  if (fold.kind === 'rows') return { kind: 'rows', linear: fold.module };
  const tensor = weights.get(fold.tensor);
  if (tensor === undefined) throw missing(fold.tensor);
  const { file, offset, dtype, columns } = { ...matrixOf(tensor), columns: tensor.shape[0] ?? 0 };
  return { kind: 'vector', vector: { file, offset, dtype, rows: 1, columns }, to: at(fold.tensor) };
}

function weightOf(module: string, weights: Scene['weights']): WeightTensor {
  const tensor = weights.get(`${module}.weight`);
  if (tensor === undefined) throw missing(`${module}.weight`);
  return tensor;
}

function statisticOf(name: string, { statistics }: Scene): WeightTensor {
  const tensor = statistics.get(name);
  if (tensor === undefined || tensor.dtype !== 'F64') throw missing(name);
  return tensor;
}

function missing(what: string): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `The calibration or the model lacks ${what}`);
}
