import {
  isCalibrated,
  quantizationLabel,
  type QuantizationOptions,
} from '../catalog/quantizations/registry.ts';
import { findToolchain, spell } from '../catalog/toolchains/registry.ts';
import { canonicalJson, type Json } from '../domain/json.ts';
import type { VariantPlan } from '../domain/plan.ts';
import type { RecipeProblem } from '../domain/recipe-problem.ts';
import { expandSweep, type Axis } from './expand-sweep.ts';

export interface VariantSettings {
  readonly quantization: QuantizationOptions;
  readonly toolchain?: string | undefined;
}

export interface VariantsRequest {
  readonly variants: { readonly [name: string]: VariantSettings };
  readonly sweep?:
    | { readonly from: string; readonly over: { readonly [path: string]: Axis['values'] } }
    | undefined;
  readonly toolchain: string;
  /** Validates the settings of a swept point; the recipe's own schema, passed in. */
  readonly parse: (settings: Json) => { readonly settings: VariantSettings } | { readonly problem: string };
  readonly runTimeAdapters: boolean;
}

interface NamedSettings {
  readonly name: string;
  readonly settings: VariantSettings;
  readonly path: RecipeProblem['path'];
}

/** Named variants plus the points of the sweep, each spelled for its toolchain; impossible ones become problems. */
export function planVariants(request: VariantsRequest): {
  variants: VariantPlan[];
  problems: RecipeProblem[];
} {
  const problems: RecipeProblem[] = [];
  const refuse = (path: RecipeProblem['path'], message: string): void => {
    problems.push({ name: 'RecipeImpossible', path, message });
  };
  const named = Object.entries(request.variants).map(([name, settings]): NamedSettings => ({
    name,
    settings,
    path: ['variants', name],
  }));
  const variants: VariantPlan[] = [];
  for (const { name, settings, path } of [...named, ...sweepPoints(request, refuse)]) {
    const plan = planVariant(name, settings, request);
    if ('unsupported' in plan) refuse(path, `variant ${name}: ${plan.unsupported}`);
    else if (path[0] === 'sweep' && variants.some((other) => sameEngine(other, plan))) continue;
    else if (variants.some((other) => other.name === name)) refuse(path, `there are two variants ${name}`);
    else variants.push(plan);
  }
  return { variants, problems };
}

function sweepPoints(
  { sweep, variants, parse }: VariantsRequest,
  refuse: (path: string[], message: string) => void,
): NamedSettings[] {
  if (sweep === undefined) return [];
  const from = Object.hasOwn(variants, sweep.from) ? variants[sweep.from] : undefined;
  if (from === undefined) {
    refuse(['sweep', 'from'], `the sweep starts from '${sweep.from}', which is no variant`);
    return [];
  }
  const axes = Object.entries(sweep.over).map(([path, values]): Axis => ({ path, values }));
  const settings = { ...from, quantization: { ...from.quantization } } as Json;
  return expandSweep(sweep.from, settings, axes).flatMap((point) => {
    const parsed = parse(point.settings);
    if ('settings' in parsed)
      return [{ name: point.name, settings: parsed.settings, path: ['sweep', 'over'] }];
    refuse(['sweep', 'over'], `${point.name}: ${parsed.problem}`);
    return [];
  });
}

function planVariant(
  name: string,
  { quantization, toolchain: own }: VariantSettings,
  request: VariantsRequest,
): VariantPlan | { unsupported: string } {
  const id = own ?? request.toolchain;
  const toolchain = findToolchain(id);
  if (toolchain === undefined) return { unsupported: `there is no toolchain ${id}` };
  if (request.runTimeAdapters && !toolchain.runTimeAdapters)
    return { unsupported: `${id} cannot apply adapters at run time` };
  const spelling = spell(toolchain, quantization);
  if ('unsupported' in spelling) return spelling;
  const label = quantizationLabel(quantization);
  return {
    name,
    toolchain: id,
    queue: toolchain.queue,
    quantization: Object.fromEntries(Object.entries(quantization).filter(([, value]) => value !== undefined)),
    label: spelling.note === undefined ? label : `${label} (${spelling.note})`,
    quantize:
      spelling.quantize === undefined
        ? null
        : { parameters: spelling.quantize, calibrated: isCalibrated(quantization) },
    checkpoint: spelling.checkpoint,
    build: spelling.build,
  };
}

/** A sweep often passes through the variant it starts from: the same engine is not listed twice. */
function sameEngine(a: VariantPlan, b: VariantPlan): boolean {
  const of = ({ toolchain, quantize, checkpoint, build }: VariantPlan): string =>
    canonicalJson({ toolchain, quantize: quantize?.parameters ?? null, checkpoint, build });
  return of(a) === of(b);
}
