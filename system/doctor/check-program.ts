import { isBuildFailure } from '../../core/domain/failures.ts';
import { runCommand } from '../process/run-command.ts';
import type { Command } from '../process/run-command.ts';
import { bad, good } from './contract.ts';
import type { HostCheck, HostPlaces } from './contract.ts';
import { isAtLeast, readVersion } from './version.ts';

export interface ProgramNeed {
  /** The command that makes the program name itself. */
  readonly command: (places: HostPlaces) => Command;
  /** Major and minor version. */
  readonly least?: readonly [number, number];
  readonly advice: string;
}

/** A program is there when it runs, not when a file of its name exists. */
export function checkProgram({ command, least, advice }: ProgramNeed): HostCheck['look'] {
  return async (places, signal) => {
    const lines: string[] = [];
    try {
      await runCommand(command(places), { signal, onLine: (line) => lines.push(line) });
    } catch (error) {
      if (!isBuildFailure(error) && !signal.aborted) throw error;
      return bad(error instanceof Error ? error.message : String(error), advice);
    }
    const words = lines.find((line) => line.trim() !== '') ?? '';
    const isNewEnough = least === undefined || isAtLeast(readVersion(words) ?? '0', least);
    return isNewEnough ? good(words) : bad(words, advice);
  };
}
