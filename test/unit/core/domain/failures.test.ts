import { expect, it } from 'vitest';
import { failures } from '../../../../core/domain/failures.ts';

/** Written out: a script that tests for a number must not be broken by moving one in the table. */
const promised = {
  UsageInvalid: 64,
  RecipeInvalid: 65,
  RecipeImpossible: 65,
  RecipeMissing: 66,
  DatasetMissing: 66,
  DatasetEmpty: 65,
  DatasetInvalid: 65,
  RepositoryMissing: 66,
  RevisionMissing: 66,
  AccessDenied: 77,
  HubUnreachable: 69,
  OfflineMissing: 66,
  DownloadTruncated: 74,
  DownloadCorrupt: 74,
  SnapshotEmpty: 65,
  WeightsCorrupt: 65,
  WeightsUnsupported: 65,
  WeightsDiffer: 65,
  WeightsMissing: 66,
  AdapterMismatch: 65,
  AdapterUnsupported: 65,
  MergeNotProven: 65,
  MergeNotFinite: 65,
  QuantizationUnfit: 65,
  FamilyUnsupported: 65,
  TokenizerUnsupported: 65,
  ToolchainMissing: 69,
  ToolchainMismatch: 69,
  ToolCrashed: 70,
  ToolFailed: 70,
  EngineInvalid: 70,
  EngineDegenerate: 70,
  Stalled: 75,
  DiskFull: 74,
  DiskFailed: 74,
  StoreUnwritable: 73,
  StoreCorrupt: 74,
  ArtifactMissing: 66,
  PortTaken: 69,
  ServerUnreachable: 69,
  ServerFailed: 69,
  NamespaceMismatch: 78,
  RunMissing: 66,
  AliasMoved: 75,
  ReleaseMissing: 66,
  VerdictFailed: 1,
  VariantFailed: 1,
  Cancelled: 130,
  InternalError: 70,
};

it('every failure ends the command line with the number its name has always had', () => {
  const now = Object.fromEntries(Object.entries(failures).map(([name, { exit }]) => [name, exit]));

  expect(now).toEqual(promised);
});
