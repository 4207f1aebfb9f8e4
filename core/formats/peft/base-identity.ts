import { BuildFailure } from '../../domain/failures.ts';
import type { Adapter } from './adapter-tensors.ts';

/** The names by which a base model may be known. */
export interface BaseIdentity {
  /** Where it was fetched from: a hub repository or a folder. */
  readonly source?: string | undefined;
  /** `_name_or_path` of its config.json: where transformers had it from when it was saved. */
  readonly savedFrom?: string | undefined;
  /** What the person calls it, e.g. its folder's name. */
  readonly folder?: string | undefined;
  /** Merge into any base whose shapes fit. */
  readonly anyBase?: boolean | undefined;
}

const repository = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/**
 * An adapter says which base it was trained on (`base_model_name_or_path`); added to another one with equal shapes it
 * gives a model that nobody trained, without a word. Two repositories that differ are AdapterMismatch naming both; a path
 * of the machine that trained it says little, so that it is only noticed. Returns the notice.
 */
export function checkBase(adapter: Adapter, base: BaseIdentity): string | undefined {
  const stated = adapter.config.baseModel?.replace(/\/+$/, '') ?? '';
  const { source, folder } = base;
  const known = identityOf(base);
  const names = [known, source, folder].filter((name) => name !== undefined);
  if (stated === '' || names.length === 0 || names.some((name) => isSame(name, stated))) return undefined;
  if (isRepository(stated) && isRepository(known)) return refuse(adapter, { stated, known, base });
  if (names.some((name) => isSame(lastOf(name), lastOf(stated)))) return undefined;
  return `${adapter.label} was trained on ${stated}, which cannot be compared with the base ${names[0]}`;
}

/** A fine-tuned model keeps its ancestor's name as `_name_or_path`, so where it was fetched from goes first. */
function identityOf({ source, savedFrom }: BaseIdentity): string | undefined {
  return isRepository(source) ? source : (savedFrom ?? source);
}

interface Difference {
  readonly stated: string;
  readonly known: string;
  readonly base: BaseIdentity;
}

function refuse({ label }: Adapter, { stated, known, base }: Difference): string {
  const problem = `${label} was trained on ${stated}, the base is ${known}`;
  if (base.anyBase === true) return problem;
  throw new BuildFailure('AdapterMismatch', problem, {
    hint: 'If the two are the same model, or this is meant: --any-base, or anyBase: true in a recipe.',
    details: { adapter: label, trainedOn: stated, base: known },
  });
}

function isRepository(name: string | undefined): name is string {
  return name !== undefined && repository.test(name);
}

/** The hub does not tell upper from lower case. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function lastOf(name: string): string {
  return name.split(/[/\\]/).at(-1) ?? name;
}
