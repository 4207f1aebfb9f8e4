import { describe, expect, it } from 'vitest';
import { readAdapterConfig } from '../../../../../core/formats/peft/adapter-config.ts';
import { checkBase, type BaseIdentity } from '../../../../../core/formats/peft/base-identity.ts';

function check(trainedOn: string | undefined, base: BaseIdentity): string | undefined {
  const fields = { peft_type: 'LORA', r: 2, lora_alpha: 4, base_model_name_or_path: trainedOn };
  return checkBase(
    { label: 'lora', config: readAdapterConfig(fields, 'adapter_config.json'), tensors: [], weight: 1 },
    base,
  );
}

describe('the base an adapter was trained on', () => {
  it.each<[string, string | undefined, BaseIdentity]>([
    ['the repository it is fetched from', 'org/base', { source: 'org/base', folder: 'abc' }],
    ['the same in other letters', 'Org/Base', { source: 'org/base' }],
    ['what its config says', 'org/base', { savedFrom: 'org/base', folder: 'copy' }],
    ['a path that ends as the repository does', '/data/models/base/', { source: 'org/base' }],
    ['a name without an owner', 'gpt2', { source: 'openai-community/gpt2' }],
    ['the folder', 'sample-llama', { folder: 'sample-llama' }],
    ['not stated', undefined, { source: 'org/base' }],
    ['empty', '', { source: 'org/base' }],
    ['stated, but nothing is known of the base', 'org/base', {}],
  ])('may be %s', (_, trainedOn, base) => {
    expect(check(trainedOn, base)).toBeUndefined();
  });

  it.each<[string, BaseIdentity, string]>([
    ['another repository', { source: 'org/other' }, 'org/other'],
    ['another one by its config', { savedFrom: 'org/other', folder: 'base' }, 'org/other'],
    ['the ancestor of what was fetched', { source: 'org/tuned', savedFrom: 'org/base' }, 'org/tuned'],
    ['a copy of another owner', { source: 'else/base' }, 'else/base'],
  ])('is refused when the base is %s', (_, base, known) => {
    const message = `lora was trained on org/base, the base is ${known}`;

    expect(() => check('org/base', base)).toThrow(
      expect.objectContaining({ name: 'AdapterMismatch', message }),
    );
    expect(check('org/base', { ...base, anyBase: true })).toBe(message);
  });

  it.each(['/data/earlier-merge', './out', 'C:\\models\\x', 'a/b/c', 'earlier'])(
    'is only noticed when it is a path or a bare name: %s',
    (trainedOn) => {
      expect(check(trainedOn, { source: 'org/base' })).toBe(
        `lora was trained on ${trainedOn}, which cannot be compared with the base org/base`,
      );
    },
  );

  it('is only noticed when the base is known by its folder alone', () => {
    expect(check('org/base', { folder: 'copy' })).toContain('cannot be compared with the base copy');
  });
});
