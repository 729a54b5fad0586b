import { afterAll, beforeAll, describe } from 'vitest';
import { findTools, startCluster, type Cluster, type ClusterOptions } from './apiserver';

/** More than the slowest start, a machine being busy. */
const HOOK_MS = 200_000;

/**
 * Tests that share one cluster, from before the first to after the last. Where a tool is missing they are skipped,
 * and the title says which.
 */
export function describeWithCluster(
  title: string,
  tests: (cluster: () => Cluster) => void,
  options: ClusterOptions = {},
): void {
  const tools = findTools();
  const reason = 'missing' in tools ? ` (skipped: ${tools.missing})` : '';
  describe.skipIf('missing' in tools)(title + reason, () => {
    let cluster: Cluster | null = null;
    beforeAll(async () => {
      cluster = await startCluster(options);
    }, HOOK_MS);
    afterAll(() => cluster?.stop());
    tests(() => {
      if (cluster === null) throw new Error('the cluster is there in tests and hooks only');
      return cluster;
    });
  });
}
