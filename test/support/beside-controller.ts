import { randomUUID } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { connect } from '../../src/app/connection';
import type { Issued } from '../../src/authority/authority';
import type { PassCause, PassReport } from '../../src/model';
import { HomesFile } from '../../src/pass';
import { JsonLogger, LogReporter } from '../../src/report';
import { EntryMemory } from '../../src/status';
import { ReloaderPresenter } from '../../src/status/reloader-view';
import { startGateway, type Mode } from '../gateway';
import { issue } from './bundles';
import { ScriptedController, type WantedConfiguration } from './controller';
import { wantedFor } from './controller-world';
import { testFolder } from './folders';
import { StandInCluster } from './stand-in-cluster';
import { conditionsOf } from './statuses';
import { servedLeaf } from './tls';
import { join } from 'node:path';

export const HOST = 'shop.example.test';
export const GRACE_S = 60;

export interface BesideOptions {
  mode: Mode;
  /** 3.4.17, 3.5.10 and later name the Secret in tags. */
  hasTags?: boolean;
  /** More of the configuration. */
  config?: object;
  /** More of the source. */
  source?: object;
  /** Changes the configuration that the controller pushes. */
  pushes?: (wanted: WantedConfiguration) => WantedConfiguration;
}

/**
 * A cluster, a Kong, the ingress controller and one reloader, each moved by the test alone: the clock stands still but
 * for `pass`, `ticks` and `later`.
 */
export async function besideController(options: BesideOptions) {
  const { mode, hasTags = true, config: more = {}, source = {}, pushes } = options;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
  const cluster = await StandInCluster.start();
  cluster.secondMs = 5;
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  const controller = new ScriptedController(gateway.adminUrl, mode, () => {
    const wanted = wantedFor(cluster, hasTags);
    return pushes?.(wanted) ?? wanted;
  });
  const kubeconfig = cluster.kubeconfig();
  const config = completeConfig({
    takeover_grace: GRACE_S,
    sources: [{ type: 'kubernetes', namespaces: ['shop'], kubeconfig, ...source }],
    ...more,
  });
  const homes = join(testFolder(), 'homes');
  const memory = new EntryMemory();
  const lines: { level: string; message: string; [field: string]: unknown }[] = [];
  const reporters = [
    memory.journal,
    new LogReporter(new JsonLogger((line) => lines.push(JSON.parse(line) as (typeof lines)[number]))),
  ];

  const run = async () => {
    const kong = await connect({ prefix: gateway.prefix }, {});
    const composed = compose(config, kong, {
      homesFile: new HomesFile(homes),
      listener: {
        written: (what) => {
          memory.journal.written(what);
          memory.served.written(what);
        },
      },
    });
    onTestFinished(() => {
      composed.close();
      kong.client.close();
    });
    const show = new ReloaderPresenter({
      ...{ entry: 'entry', mode: config.mode, intervalSeconds: config.interval, memory },
      live: composed.live,
    });
    return { composed, show };
  };
  let running = await run();
  const status = () => running.show.view().status();
  return {
    cluster,
    gateway,
    controller,
    later,
    lines,
    counters: memory.journal.counters,
    status,
    /** One of Kong's, or one that is not there, with this name. */
    certificate: (name = HOST) => status().certificates.find(({ snis }) => snis.includes(name)),
    /** Conditions that alerts would be about. */
    troubles: () => conditionsOf({ entry: 'entry', status: status(), trouble: null }, [], Date.now()),
    /** A pass of ours. */
    pass: async (cause: PassCause = 'poll'): Promise<PassReport> => {
      const report = await running.composed.pass(cause);
      for (const reporter of reporters) void reporter.pass(report);
      running.show.notice();
      return report;
    },
    /** The process ends and starts again. */
    restart: async () => {
      running = await run();
    },
    /** Rounds of the controller, 3 s apart. */
    ticks: async (count = 1) => {
      const rounds = [];
      for (let index = 0; index < count; index++) {
        later(3);
        rounds.push(await controller.sync());
      }
      return rounds;
    },
    /** cert-manager writes a Secret. @returns its UID */
    secret: (pair: Issued, name = 'www', uid?: string): string => {
      const known = cluster
        .objects('secrets')
        .find(({ metadata }) => metadata.namespace === 'shop' && metadata.name === name);
      return cluster.putSecret('shop', name, pair, { uid: uid ?? known?.metadata.uid ?? randomUUID() });
    },
    ingress: (hosts: string[], secretName = 'www', name = secretName) =>
      cluster.put('ingresses', {
        metadata: { name, namespace: 'shop' },
        spec: {
          ingressClassName: 'kong',
          tls: [{ hosts, secretName }],
          rules: hosts.map((host) => ({ host })),
        },
      }),
    /** Paths that Kong has routes for. */
    routes: () => gateway.entities('routes').flatMap((route) => route['paths'] as string[]),
    /** Writes to the Admin API since the last call, without the controller's. */
    writes: async (work: () => Promise<unknown>) => {
      gateway.clearRequests();
      await work();
      return gateway.requests
        .filter(({ method }) => method !== 'GET')
        .map(({ method, path }) => `${method} ${path}`);
    },
    serves: (name = HOST) => servedLeaf(gateway.tlsPort, name),
  };
}

/** A certificate that was issued so many minutes ago. */
export const renewed = (minutes: number, names = [HOST]): Issued =>
  issue({ names, notBefore: new Date(Date.now() - minutes * 60_000) });
