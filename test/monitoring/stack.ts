import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { freePort } from '../support/port';
import { startProcess, untilReady, type ServerProcess } from '../kubernetes/process';
import { readGroups } from './rules';

/** A real Prometheus and a real Alertmanager, in a hurry. */
export interface Stack {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Their files. */
  folder: string;
  /** `host:port` that Prometheus scrapes. */
  target: string;
  /** Webhook that Alertmanager notifies. */
  receiverUrl: string;
}

const DEBIAN_ALERTMANAGER = 'prometheus-alertmanager';

export async function startStack({ folder, target, receiverUrl }: StackOptions): Promise<Stack> {
  const file = (name: string, content: object): string => {
    const path = join(folder, name);
    writeFileSync(path, dump(content));
    return path;
  };
  mkdirSync(folder, { recursive: true });
  const servers: ServerProcess[] = [];
  const start = async (command: string, args: (address: string) => string[]): Promise<string> => {
    const address = `127.0.0.1:${await freePort()}`;
    const server = startProcess(command, args(address), join(folder, `${command}.log`));
    servers.push(server);
    await untilReady(command, server, async () => (await fetch(`http://${address}/-/ready`)).ok);
    return address;
  };

  const alertmanager = await start(DEBIAN_ALERTMANAGER, (address) => [
    `--config.file=${file('alertmanager.yml', {
      route: {
        receiver: 'people',
        group_by: ['alertname', 'instance'],
        group_wait: '0s',
        group_interval: '1s',
        repeat_interval: '1h',
      },
      receivers: [{ name: 'people', webhook_configs: [{ url: receiverUrl, send_resolved: true }] }],
    })}`,
    `--storage.path=${join(folder, 'alertmanager')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
  const rules = file('rules.yml', { groups: hurried() });
  const prometheus = await start('prometheus', (address) => [
    `--config.file=${file('prometheus.yml', {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
      scrape_configs: [{ job_name: 'ssl-cert-reloader', static_configs: [{ targets: [target] }] }],
    })}`,
    `--storage.tsdb.path=${join(folder, 'prometheus')}`,
    `--web.listen-address=${address}`,
  ]);
  return {
    prometheusUrl: `http://${prometheus}`,
    alertmanagerUrl: `http://${alertmanager}`,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop(5_000)));
    },
  };
}

/** The rules as they are shipped, but that nothing has to last for longer than two seconds. */
function hurried(): object[] {
  return readGroups().map(({ rules, ...group }) => ({
    ...group,
    rules: rules.map((rule) => (rule.for === undefined ? rule : { ...rule, for: '2s' })),
  }));
}
