import { llamaCpp } from '../../core/catalog/toolchains/llama-cpp.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { createToolchains } from '../../system/toolchains/create-toolchains.ts';
import { quantizeWeights, type QuantizeReport } from '../../system/weights/quantize-weights.ts';
import { choose } from '../choose.ts';
import { defineCommand } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { renderTextTable } from '../output/text-table.ts';
import { formatBytes } from '../output/units.ts';
import { chooseMethodName, chooseSolver, methodOptions } from '../quantize/choose-method.ts';
import { chooseScheme, schemeOptions } from '../quantize/choose-scheme.ts';
import { type CalibratedReport, quantizeCalibrated } from '../quantize/quantize-calibrated.ts';

const scaleDtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

export const quantize = defineCommand({
  name: 'quantize',
  summary:
    'Round the weights of a model to 8 or 4 bits, as a folder that transformers, vLLM and SGLang load.',
  positionals: 'MODEL OUT',
  options: {
    ...schemeOptions,
    exclude: {
      type: 'string',
      value: 'PATTERN',
      multiple: true,
      description: 'Linears that stay as they are, e.g. down_proj or layers.0.*; may be given again.',
    },
    'scale-dtype': {
      type: 'string',
      value: Object.keys(scaleDtypes).join('|'),
      description: 'Type of stored scales (default: the model’s; float16 for gptq and awq).',
    },
    ...methodOptions,
  },
  async run({ options, positionals, ...context }) {
    const [from = '', to = ''] = positionals;
    const solver = chooseSolver(options);
    const request = {
      from,
      to,
      scheme: chooseScheme(options, chooseMethodName(options)),
      exclude: options.exclude,
      ...readScaleDtype(options['scale-dtype']),
    };
    const executable = locateWeights(context.environment.weightsExecutable);
    const scope = { ...effectScope(context, 'quantize'), executable };
    const toolchain = () => createToolchains(context.environment, context.home)(llamaCpp.id);
    const report =
      solver === null
        ? await quantizeWeights(request, scope)
        : await quantizeCalibrated({ request, solver, toolchain }, scope);
    for (const notice of report.notices) context.print.note(`warning: ${notice}`);
    context.print.result(report, render(report, to));
  },
});

function readScaleDtype(text: string | undefined): { scaleDtype?: 'F32' | 'F16' | 'BF16' } {
  if (text === undefined) return {};
  const names = Object.keys(scaleDtypes) as (keyof typeof scaleDtypes)[];
  return { scaleDtype: scaleDtypes[choose('--scale-dtype', text, names)] };
}

// More than fit on a screen help nobody; --json has all.
const shownErrors = 10;

function render(report: QuantizeReport | CalibratedReport, to: string): string {
  const { worst, linears, bytesBefore, bytesAfter } = report;
  const sizes = `${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)}`;
  const size = `${linears} linears, ${sizes} (${(bytesBefore / bytesAfter).toFixed(2)} times smaller) in ${to}`;
  const summary =
    'outputError' in report
      ? `${size}\nSquared error of the outputs, against that of rounding to nearest: ${report.outputError.toFixed(3)}`
      : size;
  if (worst.length === 0) return summary;
  const table = renderTextTable({
    columns: ['Worst linears', 'relative error', 'largest', 'cosine', 'SQNR'],
    alignment: ['left', 'right', 'right', 'right', 'right'],
    rows: worst
      .slice(0, shownErrors)
      .map(({ name, relativeFrobenius, maxAbs, cosine, sqnr }) => [
        name,
        `${(100 * relativeFrobenius).toFixed(2)} %`,
        maxAbs.toPrecision(3),
        cosine.toFixed(5),
        sqnr === null ? 'exact' : `${sqnr.toFixed(1)} dB`,
      ]),
  });
  return `${table}\n\n${summary}`;
}
