import type { Json, JsonObject } from '../../domain/json.ts';
import type { IntegerLinear } from './quantized-linear.ts';
import {
  checkParts,
  groupsOf,
  isObject,
  type LinearParts,
  presentParts,
  readBits,
  readGroup,
  scaleDtypes,
  type StoredForm,
  unsupportedModel,
} from './stored-form.ts';

/**
 * Folders of AutoGPTQ and GPTQModel, whose layout `gptqFormat` writes. The tensor `g_idx` decides about the groups of
 * columns, whatever `desc_act` says; without it they are in order, as in folders from before there was one.
 */
export function readGptqForm(config: JsonObject): StoredForm {
  const version = config['checkpoint_format'] ?? config['format'] ?? 'gptq';
  if ((version !== 'gptq' && version !== 'gptq_v2') || config['is_marlin_format'] === true)
    throw unsupportedModel(`has weights in the format ${JSON.stringify(version)} of gptq`);
  if (hasOverrides(config['dynamic']))
    throw unsupportedModel('has modules that are quantized in different ways');
  const [bits, group] = [readBits(config['bits']), readGroup(config['group_size'])];
  const layout = version === 'gptq' ? 'gptq-v1' : 'gptq-v2';
  return {
    scheme: {
      method: 'gptq',
      format: version,
      weights: bits === 4 ? 'int4' : 'int8',
      block: [1, group],
      symmetric: config['sym'] !== false,
    },
    codes: 'qweight',
    parts: ['qzeros', 'scales', 'g_idx'],
    linear: (parts) => describe(parts, { bits, group, layout }),
  };
}

/** Patterns of modules with arguments of their own; those that start with "-:" name modules that are not quantized. */
function hasOverrides(dynamic: Json | undefined): boolean {
  if (!isObject(dynamic)) return false;
  return Object.entries(dynamic).some(
    ([pattern, change]) => !pattern.startsWith('-:') && isObject(change) && Object.keys(change).length > 0,
  );
}

function describe(
  { module, codes, part, optional }: LinearParts,
  form: Pick<IntegerLinear, 'bits' | 'group' | 'layout'>,
): IntegerLinear {
  const perWord = 32 / form.bits;
  const [lines = 0, rows = 0] = codes.shape;
  const columns = lines * perWord;
  const groups = groupsOf(columns, form.group);
  const [scales, zeros, groupIndex] = [part('scales'), part('qzeros'), optional('g_idx')];
  const linear = { kind: 'integer', module, rows, columns, ...form, codes, scales } as const;
  checkParts(linear, [
    { tensor: codes, dtypes: ['I32'], shape: [lines, rows] },
    { tensor: zeros, dtypes: ['I32'], shape: [groups, rows / perWord] },
    { tensor: scales, dtypes: scaleDtypes, shape: [groups, rows] },
    { tensor: groupIndex, dtypes: ['I32'], shape: [columns] },
  ]);
  return { ...linear, ...presentParts({ zeros, groupIndex }) };
}
