import { describe, expect, it } from 'vitest';
import { definedVariables, readEnvironment } from '../../../config/environment.ts';

describe('the environment', () => {
  it('may be empty', () => {
    expect(readEnvironment({})).toMatchObject({
      home: null,
      threads: null,
      temporalAddress: null,
      namespace: 'default',
      hubEndpoint: null,
      color: true,
    });
  });

  it('treats an empty variable like none', () => {
    const empty = {
      ENGINEWRIGHT_HOME: '',
      ENGINEWRIGHT_THREADS: '',
      TEMPORAL_NAMESPACE: '',
      HF_ENDPOINT: '',
      NO_COLOR: '',
    };

    expect({ ...readEnvironment(empty), raw: {} }).toEqual({ ...readEnvironment({}), raw: {} });
  });

  it.each([
    ['ENGINEWRIGHT_THREADS', 'many'],
    ['ENGINEWRIGHT_THREADS', '0'],
    ['ENGINEWRIGHT_THREADS', '2.5'],
    ['ENGINEWRIGHT_THREADS', '-1'],
    ['HF_ENDPOINT', 'mirror.example'],
    ['HF_ENDPOINT', 'file:///etc'],
  ])('refuses %s=%s naming the variable', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(
      expect.objectContaining({ name: 'UsageInvalid', message: expect.stringContaining(name) }),
    );
  });

  it('does not repeat the value it refuses', () => {
    const secret = 'htp://user:hunter2@mirror.example';

    expect(() => readEnvironment({ HF_ENDPOINT: secret })).toThrow(/HF_ENDPOINT/);
    expect(() => readEnvironment({ HF_ENDPOINT: secret })).not.toThrow(/hunter2/);
  });

  it.each([
    'https://user:hunter2@mirror.example',
    'http://hunter2@mirror.example',
    'http://:hunter2@mirror.example/x',
  ])('refuses credentials in HF_ENDPOINT and does not repeat them: %s', (endpoint) => {
    const reading = () => readEnvironment({ HF_ENDPOINT: endpoint });

    expect(reading).toThrow(expect.objectContaining({ name: 'UsageInvalid' }));
    expect(reading).toThrow(/HF_ENDPOINT.*HF_TOKEN/);
    expect(reading).not.toThrow(/hunter2/);
  });

  it('holds secrets nowhere but in the raw variables, where who needs one asks by its name', () => {
    const { raw, ...named } = readEnvironment({ HF_TOKEN: 'hf_verySecret', MY_TOKEN: 'alsoSecret' });

    expect(raw['MY_TOKEN']).toBe('alsoSecret');
    expect(JSON.stringify(named)).not.toMatch(/secret/i);
  });

  it('is handed to processes of our own without undefined members', () => {
    expect(definedVariables(readEnvironment({ A: 'a', B: undefined, C: '' }))).toEqual({ A: 'a', C: '' });
  });
});
