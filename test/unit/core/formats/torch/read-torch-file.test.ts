import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pieceOf } from '../../../../../core/formats/pieces.ts';
import { readTorchFile } from '../../../../../core/formats/torch/read-torch-file.ts';
import { bytesOf } from '../../../../fixtures/weights/carry-out-plan.ts';
import { concat, failureOf, memorySource } from '../../../../fixtures/weights/memory-source.ts';
import { op, stateDict, tensor, torchZip } from '../../../../fixtures/weights/pickles.ts';

const folder = join(import.meta.dirname, '../../../../fixtures/torch');
const fixture = (name: string) => memorySource(readFileSync(join(folder, name)), join(folder, name));
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  tensors: { [name: string]: { dtype: string; shape: number[]; sha256: string } };
};
const read = (bytes: Uint8Array, root?: string) => readTorchFile(memorySource(bytes, '/model.bin'), root);

describe.each(['zip.bin', 'legacy.bin'])('%s, written by torch', (name) => {
  it('gives every tensor its bytes: views, strides, shared and empty storages, Parameters', async () => {
    const { tensors } = await readTorchFile(fixture(name));

    const found = tensors.map((tensor) => {
      const sha256 = createHash('sha256')
        .update(bytesOf(pieceOf(tensor)))
        .digest('hex');
      return [tensor.name, { dtype: tensor.dtype, shape: tensor.shape, sha256 }];
    });
    expect(Object.fromEntries(found)).toEqual(expected.tensors);
  });

  it('knows tied tensors from views that only overlap', async () => {
    const { tensors } = await readTorchFile(fixture(name));

    const aliases = tensors
      .filter(({ aliasOf }) => aliasOf !== undefined)
      .map(({ name, aliasOf }) => [name, aliasOf]);
    expect(aliases).toEqual([['tied', 'bf16']]);
  });
});

describe('a training checkpoint', () => {
  it('is not guessed at: the failure names the keys to choose from', async () => {
    const failure = await failureOf(readTorchFile(fixture('checkpoint.bin')));

    expect(failure).toBe(
      'WeightsUnsupported: checkpoint.bin keeps its tensors deeper than its first level; dictionaries of tensors: state_dict, optimizer',
    );
  });

  it('gives the state dict under the named key', async () => {
    const { tensors } = await readTorchFile(fixture('checkpoint.bin'), 'state_dict');

    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([['w', [2, 2]]]);
  });

  it('refuses a key that is not there', async () => {
    expect(await failureOf(readTorchFile(fixture('checkpoint.bin'), 'model'))).toContain(
      'has no state dict under model',
    );
  });
});

describe('a pickle that is more than data', () => {
  const call = (module: string, name: string) =>
    stateDict('w', concat(op.global(module, name), op.mark, op.text('touch /tmp/x'), op.tuple, op.reduce));

  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['torch', 'load'],
    ['torch.storage', '_load_from_bytes'],
    ['torch._utils', '_rebuild_tensor_v2.__globals__'],
    ['numpy.core.multiarray', '_reconstruct'],
  ])('is refused by the name it uses: %s.%s', async (module, name) => {
    const failure = await failureOf(read(torchZip(call(module, name))));

    expect(failure).toMatch(/^WeightsUnsupported: model\.bin, byte \d+: the pickle names /);
    expect(failure).toContain(`"${module}.${name}"`);
  });

  it.each([
    ['INST', `(ios\nsystem\n`, '0x69'],
    ['OBJ', `(o`, '0x6f'],
    ['EXT1', `\x82\x01`, '0x82'],
    ['NEWOBJ_EX', `\x92`, '0x92'],
    ['PERSID', `Pid\n`, '0x50'],
    ['an out-of-band buffer', `\x97`, '0x97'],
  ])('is refused by its opcode: %s', async (_, code, shown) => {
    expect(await failureOf(read(torchZip(concat(op.proto, code, op.stop))))).toContain(`the opcode ${shown}`);
  });

  it('may not hide a global on the stack', async () => {
    const pickle = concat('\x80\x04', op.text('os'), op.text('system'), '\x93', op.stop);

    expect(await failureOf(read(torchZip(pickle)))).toContain('"os.system"');
  });

  it('may not change the state of what it built, nor call a tensor', async () => {
    const build = stateDict('w', concat(tensor(), op.dict, op.build));
    const callTensor = stateDict('w', concat(tensor(), op.emptyTuple, op.reduce));

    expect(await failureOf(read(torchZip(build)))).toContain('changes the state of a tensor');
    expect(await failureOf(read(torchZip(callTensor)))).toContain('applies a tensor');
  });
});

describe('a pickle that lies about its tensors', () => {
  const two = op.int(2);
  it.each([
    ['a view beyond its storage', { shape: [op.int(3)] }, 'reaches to byte 12 of a storage of 8'],
    ['an offset beyond its storage', { offset: op.int(1) }, 'reaches to byte 12'],
    ['a stride beyond its storage', { strides: [op.int(5)] }, 'reaches to byte 24'],
    ['a negative stride', { strides: [op.int(-1)] }, 'malformed offset, shape or stride'],
    ['a negative offset', { offset: op.int(-1) }, 'malformed offset, shape or stride'],
    ['a shape of another rank than its strides', { shape: [two, two] }, 'malformed offset, shape or stride'],
    ['a size of 2^63', { shape: [op.long(2n ** 63n)] }, 'malformed offset, shape or stride'],
    [
      'sizes whose product overflows',
      {
        shape: Array.from({ length: 4 }, () => op.int(2 ** 30)),
        strides: Array.from({ length: 4 }, () => op.int(0)),
      },
      'impossible shape',
    ],
    [
      'a view that expands to terabytes',
      { shape: [op.int(2 ** 30), two], strides: [op.int(0), op.int(0)] },
      'expands 8 bytes',
    ],
    [
      'a storage larger than its record',
      { items: op.int(1000), shape: [two] },
      'needs 4000 bytes, its record has 8',
    ],
    ['a storage of negative size', { items: op.int(-2) }, 'a storage has -2 items'],
    ['a storage that is not there', { key: '7' }, 'no record for storage 7'],
    ['a storage outside the folder', { key: '../../x' }, 'no record for storage ../../x'],
    ['a quantized storage', { storageClass: 'QInt8Storage' }, '"torch.QInt8Storage"'],
  ])('is refused for %s', async (_, parts, problem) => {
    const failure = await failureOf(read(torchZip(stateDict('w', tensor(parts)))));

    expect(failure).toMatch(/^Weights(?:Corrupt|Unsupported): /);
    expect(failure).toContain(problem);
  });

  it.each([
    ['ends early', concat(op.proto, op.dict), 'ends early'],
    ['goes on after its end', concat(stateDict('w', tensor()), 'more'), 'goes on after its end'],
    ['pops from nothing', concat(op.proto, op.reduce, op.stop), 'where there is none'],
    ['recalls what it never stored', concat(op.proto, 'h\x05', op.stop), 'recalls value 5'],
    [
      'has a name twice',
      concat(
        op.proto,
        op.dict,
        op.mark,
        op.text('w'),
        tensor(),
        op.text('w'),
        tensor(),
        op.setItems,
        op.stop,
      ),
      'has the key "w" twice',
    ],
    ['nests without end', concat(op.proto, op.mark.repeat(5000), op.stop), 'nests deeper'],
    ['is of protocol 1', concat('\x80\x01', op.dict, op.stop), 'pickle protocol 1'],
    [
      'gives one key two sizes',
      concat(
        op.proto,
        op.dict,
        op.mark,
        op.text('a'),
        tensor(),
        op.text('b'),
        tensor({ items: op.int(1), shape: [op.int(1)] }),
        op.setItems,
        op.stop,
      ),
      'has two sizes',
    ],
  ])('is refused when it %s', async (_, pickle, problem) => {
    const failure = await failureOf(read(torchZip(pickle)));

    expect(failure).toMatch(/^Weights(?:Corrupt|Unsupported): /);
    expect(failure).toContain(problem);
  });

  it('cannot keep the reader busy with a dictionary that contains itself', async () => {
    const pickle = concat(
      op.proto,
      op.dict,
      'q\x00',
      op.mark,
      op.text('self'),
      'h\x00',
      op.setItems,
      op.stop,
    );

    const { tensors, notices } = await read(torchZip(pickle));

    expect(tensors).toEqual([]);
    expect(notices).toEqual(['model.bin: self is no tensor and was left out']);
  });
});

describe('files that only look like weights', () => {
  it.each([
    ['a TorchScript program', torchZip(stateDict('w', tensor()), { 'a/constants.pkl': 'x' }), 'TorchScript'],
    ['big-endian numbers', torchZip(stateDict('w', tensor()), { 'a/byteorder': 'big' }), 'big-endian'],
    ['a pickle of another program', stateDict('w', op.none), 'none that torch.save wrote'],
    [
      'a Git LFS pointer',
      concat('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
      'Git LFS pointer',
    ],
    ['an old tar archive', concat(new Uint8Array(257), 'ustar', new Uint8Array(300)), 'tar archive'],
    ['a web page', concat('<!doctype html>'), 'no file that torch.save wrote'],
    ['nothing', new Uint8Array(0), 'no file that torch.save wrote'],
  ])('are named for what they are: %s', async (_, bytes, problem) => {
    expect(await failureOf(read(bytes))).toContain(problem);
  });
});

describe('the sum of a storage', () => {
  const zip = torchZip(stateDict('w', tensor()), { 'a/data/0': Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) });

  it('stands beside its tensor, with the stretch it covers', async () => {
    const { tensors } = await read(zip);

    const [{ check, offset } = { check: undefined, offset: NaN }] = tensors;
    expect(check).toEqual({ file: '/model.bin', offset, bytes: 8, crc32: 0x3fca88c5, name: 'a/data/0' });
  });

  it('is missing where the writer gave none', async () => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(0x3fca88c5);
    const none = Buffer.from(zip);
    for (let at = none.indexOf(sum); at >= 0; at = none.indexOf(sum)) none.writeUInt32LE(0, at);

    const { tensors } = await read(none);

    expect(tensors.map(({ check }) => check)).toEqual([undefined]);
  });
});
