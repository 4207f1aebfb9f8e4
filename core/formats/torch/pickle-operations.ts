import type { PickleMachine } from './pickle-machine.ts';
import { PickleDict, PickleList, PickleTuple } from './pickle-values.ts';

type Operation = (machine: PickleMachine) => void;

/**
 * The opcodes of protocols 2 to 5 that plain data and torch tensors need (CPython Lib/pickletools.py). What can make
 * an object of any class (INST, OBJ, EXT, NEWOBJ_EX, out-of-band buffers) is missing on purpose.
 */
export const pickleOperations: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // Framing
  [0x80, checkProtocol],
  [0x95, (machine) => machine.cursor.take(8)], // FRAME: only a hint for buffering
  [code('.'), (machine) => (machine.result = { value: machine.pop() })],

  // Scalars
  [code('N'), (machine) => machine.push(null)],
  [0x88, (machine) => machine.push(true)],
  [0x89, (machine) => machine.push(false)],
  [code('K'), (machine) => machine.push(machine.cursor.u8())],
  [code('M'), (machine) => machine.push(machine.cursor.u16())],
  [code('J'), (machine) => machine.push(machine.cursor.i32())],
  [code('G'), (machine) => machine.push(machine.cursor.f64BigEndian())],
  [0x8a, (machine) => machine.push(toInteger(machine.cursor.take(machine.cursor.u8())))],

  // Texts and bytes
  [code('X'), (machine) => machine.push(machine.cursor.text(machine.cursor.u32()))],
  [0x8c, (machine) => machine.push(machine.cursor.text(machine.cursor.u8()))],
  [0x8d, (machine) => machine.push(machine.cursor.text(machine.cursor.u64()))],
  [code('U'), (machine) => machine.push(machine.cursor.text(machine.cursor.u8()))], // str of Python 2
  [code('T'), (machine) => machine.push(machine.cursor.text(machine.cursor.u32()))],
  [code('C'), (machine) => machine.push(machine.cursor.take(machine.cursor.u8()))],
  [code('B'), (machine) => machine.push(machine.cursor.take(machine.cursor.u32()))],

  // Containers
  [code('('), (machine) => machine.mark()],
  [code(')'), (machine) => machine.push(new PickleTuple([]))],
  [code('t'), (machine) => machine.push(new PickleTuple(machine.popToMark()))],
  [0x85, (machine) => machine.push(new PickleTuple(machine.popMany(1)))],
  [0x86, (machine) => machine.push(new PickleTuple(machine.popMany(2)))],
  [0x87, (machine) => machine.push(new PickleTuple(machine.popMany(3)))],
  [code(']'), (machine) => machine.push(new PickleList())],
  [code('a'), (machine) => machine.append([machine.pop()])],
  [code('e'), (machine) => machine.append(machine.popToMark())],
  [code('}'), (machine) => machine.push(new PickleDict())],
  [code('s'), (machine) => machine.setItems(machine.popMany(2))],
  [code('u'), (machine) => machine.setItems(machine.popToMark())],

  // Memo
  [code('q'), (machine) => machine.remember(machine.cursor.u8())],
  [code('r'), (machine) => machine.remember(machine.cursor.u32())],
  [0x94, (machine) => machine.remember(machine.memoSize)],
  [code('h'), (machine) => machine.recall(machine.cursor.u8())],
  [code('j'), (machine) => machine.recall(machine.cursor.u32())],

  // What the host gives a meaning to
  [code('c'), (machine) => pushGlobal(machine, machine.cursor.line(), machine.cursor.line())],
  [0x93, pushStackGlobal],
  [code('R'), (machine) => machine.apply()],
  [0x81, (machine) => machine.apply()], // NEWOBJ: the same allow-list applies
  [code('b'), acceptState],
  [code('Q'), (machine) => machine.push(machine.host.loadPersistent(machine.pop(), machine.offset))],
]);

function code(character: string): number {
  return character.charCodeAt(0);
}

function checkProtocol(machine: PickleMachine): void {
  const protocol = machine.cursor.u8();
  if (protocol < 2 || protocol > 5) throw machine.unsupported(`pickle protocol ${protocol}`);
}

function pushGlobal(machine: PickleMachine, module: string, name: string): void {
  machine.push(machine.host.resolveGlobal(`${module}.${name}`, machine.offset));
}

function pushStackGlobal(machine: PickleMachine): void {
  const [module, name] = machine.popMany(2);
  if (typeof module !== 'string' || typeof name !== 'string')
    throw machine.corrupt('the pickle names a global by no text');
  pushGlobal(machine, module, name);
}

function acceptState(machine: PickleMachine): void {
  machine.pop();
  const target = machine.pop();
  machine.host.acceptState(target, machine.offset);
  machine.push(target);
}

/** Little-endian two's complement of any length; a bigint beyond 2^53. */
function toInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  if ((bytes.at(-1) ?? 0) >= 0x80) value -= 1n << BigInt(8 * bytes.length);
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}
