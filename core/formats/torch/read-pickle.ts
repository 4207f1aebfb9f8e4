import { ByteCursor } from '../byte-cursor.ts';
import { PickleMachine } from './pickle-machine.ts';
import { pickleOperations } from './pickle-operations.ts';
import type { PickleHost, PickleValue } from './pickle-values.ts';

export interface PicklePlace {
  readonly file: string;
  /** Offset of the bytes in the file, for messages. */
  readonly base: number;
}

export interface PickleReading {
  readonly value: PickleValue;
  /** Bytes up to and with STOP. */
  readonly bytes: number;
}

/**
 * Interprets one pickle without executing anything: values come out as symbols, and every opcode or global that is not
 * on a list is refused by name. Linear in the bytes given. Throws WeightsCorrupt or WeightsUnsupported.
 */
export function readPickle(bytes: Uint8Array, place: PicklePlace, host: PickleHost): PickleReading {
  const machine = new PickleMachine(new ByteCursor(bytes, place), host);
  while (machine.result === undefined) {
    machine.offset = machine.cursor.offset;
    const opcode = machine.cursor.u8();
    const operation = pickleOperations.get(opcode);
    if (operation === undefined)
      throw machine.unsupported(
        `the pickle uses the opcode 0x${opcode.toString(16)}, which this version refuses`,
      );
    operation(machine);
  }
  return { value: machine.result.value, bytes: machine.cursor.position };
}
