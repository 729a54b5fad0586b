import { execFileSync } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { dump, load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/folders';
import type { KubernetesObject } from './apiserver';
import { describeWithCluster } from './suite';

/*
 * The values with Kong's charts. Helm is looked for in PATH, the charts (github.com/Kong/charts, `charts`) in
 * KONG_CHARTS; `go install helm.sh/helm/v3/cmd/helm@latest` builds the one.
 */

const FOLDER = join(__dirname, '..', '..', 'deploy', 'kubernetes');
const CHARTS = process.env['KONG_CHARTS'] ?? '';
const FILES = ['values-ingress-chart.yaml', 'values-kong-chart.yaml'] as const;
const HELM = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'helm'))
  .find(isProgram);
const isThere = HELM !== undefined && CHARTS !== '' && existsSync(join(CHARTS, 'ingress'));

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The chart without the database that it may bring along. */
function copyOfKong(folder: string): string {
  cpSync(join(CHARTS, 'kong'), folder, { recursive: true });
  rmSync(join(folder, 'Chart.lock'), { force: true });
  const path = join(folder, 'Chart.yaml');
  const { dependencies: _, ...own } = load(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, dump(own));
  return folder;
}

/** Controller and gateway, each a release of the chart kong/kong that lies beside it, whatever its version. */
function copyOfIngress(folder: string): string {
  cpSync(join(CHARTS, 'ingress'), folder, { recursive: true });
  rmSync(join(folder, 'Chart.lock'), { force: true });
  copyOfKong(join(folder, 'charts', 'kong'));
  const path = join(folder, 'Chart.yaml');
  const chart = load(readFileSync(path, 'utf8')) as { dependencies: object[] };
  const dependencies = chart.dependencies.map((one) => ({ ...one, version: '*' }));
  writeFileSync(path, dump({ ...chart, dependencies }));
  return folder;
}

/** The objects that the README's `helm install kong` would send. */
function rendered(file: (typeof FILES)[number]): KubernetesObject[] {
  const copy = file === 'values-kong-chart.yaml' ? copyOfKong : copyOfIngress;
  const arguments_ = ['template', 'kong', copy(join(testFolder(), 'chart')), '-n', 'kong'];
  const text = execFileSync(HELM ?? '', [...arguments_, '-f', join(FOLDER, file)], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return (loadAll(text) as (KubernetesObject | null)[]).filter((object) => object !== null);
}

interface Pod {
  serviceAccountName: string;
  volumes: { name: string }[];
  initContainers: Container[];
  containers: Container[];
}

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string }[];
}

describe.skipIf(!isThere)("Kong's chart with the values", () => {
  it.for(FILES)('mounts volumes that are there, and keeps the token from Kong (%s)', (file) => {
    const deployment = rendered(file).find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name !== 'kong-controller',
    );
    const { spec: pod } = (deployment as unknown as { spec: { template: { spec: Pod } } }).spec.template;
    const volumes = new Set(pod.volumes.map(({ name }) => name));
    for (const { volumeMounts = [] } of [...pod.initContainers, ...pod.containers])
      for (const { name } of volumeMounts) expect(volumes).toContain(name);
    const [kong, sidecar] = ['proxy', 'ssl-cert-reloader'].map((name) =>
      pod.containers.find((one) => one.name === name),
    );
    const tokens = (container?: Container) =>
      (container?.volumeMounts ?? []).filter(({ mountPath }) => mountPath.endsWith('serviceaccount'));
    expect(tokens(kong)).toEqual([]);
    expect(tokens(sidecar)).toHaveLength(1);
    const prefix = kong?.env?.find(({ name }) => name === 'KONG_PREFIX')?.value;
    expect(prefix?.replace(/\/$/, '')).toBe('/kong_prefix');
    expect(kong?.image).not.toBe(sidecar?.image);
    // The subject of the role bindings.
    expect(pod.serviceAccountName).toBe('kong');
  });
});

describeWithCluster("Kong's chart with the values in a real API server", (cluster) => {
  it.skipIf(!isThere).for(FILES)('is taken as a dry run (%s)', { timeout: 60_000 }, async (file) => {
    await cluster().createNamespace('kong');
    for (const object of rendered(file)) {
      if (object.apiVersion.includes('konghq') || object.kind === 'CustomResourceDefinition') continue;
      await cluster().apply(object, { dryRun: true });
    }
  });
});
