import type { FileChoice } from '../../core/domain/plan.ts';
import { selectFiles } from '../hub/select-files.ts';
import type { HubFile } from '../hub/hub-file.ts';

/** `manifest.json` at the top is the store's own name; nothing here reads a repository's file of that name. */
const ignored = ['manifest.json'];

/** The files of a source a recipe can use. */
export function usableFiles(files: readonly HubFile[], choice: FileChoice = {}): readonly HubFile[] {
  return selectFiles(files, { ...choice, ignore: [...ignored, ...(choice.ignore ?? [])] });
}
