import { randomBytes } from 'node:crypto';
import { isGrpcServiceError, ServiceError, type Client, type WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { Plan } from '../../core/domain/plan.ts';
import { controlQueue } from '../../core/domain/queues.ts';
import { sourceLabel } from '../../core/domain/source-label.ts';
import type { runRecipe } from '../../workflows/run-recipe.ts';

export type RunHandle = WorkflowHandle<typeof runRecipe>;

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const adaptersKey = defineSearchAttributeKey('EwAdapters', SearchAttributeType.KEYWORD_LIST);

/** INVALID_ARGUMENT of https://grpc.io/docs/guides/status-codes. */
const grpcInvalidArgument = 3;

/**
 * Starts `runRecipe` with everything a person needs to recognise it in the Temporal UI. Throws NamespaceMismatch when
 * the server does not know our search attributes.
 */
export async function startRun(client: Client, plan: Plan, recipeText: string): Promise<RunHandle> {
  const model = sourceLabel(plan.model);
  const adapters = plan.adapters.map(({ source }) => sourceLabel(source));
  const names = plan.variants.map(({ name }) => name);
  try {
    return await client.workflow.start<typeof runRecipe>('runRecipe', {
      workflowId: runId(plan.recipe.name, new Date()),
      taskQueue: controlQueue,
      args: [plan],
      staticSummary: clip(`${[model, ...adapters].join(' + ')} → ${names.join(', ')}`),
      staticDetails: ['The recipe:', '', '```yaml', recipeText.slice(0, 15_000).trimEnd(), '```'].join('\n'),
      typedSearchAttributes: [
        { key: keyword('EwRecipe'), value: plan.recipe.name },
        { key: keyword('EwRecipeDigest'), value: plan.recipe.digest },
        { key: keyword('EwModel'), value: model },
        ...(adapters.length === 0 ? [] : [{ key: adaptersKey, value: adapters }]),
        ...(plan.publish === null ? [] : [{ key: keyword('EwAlias'), value: plan.publish.alias }]),
      ],
    });
  } catch (error) {
    throw isUnprepared(error) ? unprepared(error, client.options.namespace) : error;
  }
}

function isUnprepared(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  const code: number | undefined = isGrpcServiceError(cause) ? cause.code : undefined;
  return code === grpcInvalidArgument;
}

function unprepared(cause: unknown, namespace: string): BuildFailure {
  return new BuildFailure(
    'NamespaceMismatch',
    `the namespace ${namespace} cannot take the run: it lacks our search attributes`,
    {
      hint: 'Start a control worker there once: enginewright worker --role control --address HOST:PORT.',
      cause,
    },
  );
}

/** Readable and unique: recipe, UTC second, four random digits for two starts in one second. */
function runId(recipe: string, now: Date): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-');
  return `${recipe}-${stamp}-${randomBytes(2).toString('hex')}`;
}

/** The server keeps 200 bytes of a summary. */
function clip(text: string): string {
  return text.length <= 150 ? text : `${text.slice(0, 149)}…`;
}
