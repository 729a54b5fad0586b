import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { LogLine, StartKong, TestKong } from '../scenarios/kong';
import { startGateway, type Gateway } from '../gateway';
import { lookLikeMaster } from '../gateway/processes/hang-up';

const gateways = new WeakMap<TestKong, Gateway>();

/** The stand-in gateway with the plugin's real server, started as Kong starts it. */
export const standIn: StartKong = async ({
  mode,
  declarativeConfig,
  defaultCertificate,
  beside,
  pluginArguments = [],
  pluginLauncher = '',
}): Promise<TestKong> => {
  const path = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin`;
  const command = resolve('dist/ssl-cert-reloader.cjs');
  const prefix = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-stand-in-'));
  const unlike = lookLikeMaster(prefix);
  const other = beside === undefined ? undefined : gateways.get(beside);
  const gateway = await startGateway({
    mode,
    prefix,
    ...(defaultCertificate === undefined ? {} : { defaultCertificate }),
    ...(declarativeConfig === undefined ? {} : { declarativeConfig }),
    ...(other === undefined ? {} : { beside: other }),
    pluginServers: [
      {
        name: 'ssl-cert-reloader',
        queryCommand: `${path} ${command} -dump`,
        startCommand: [path, pluginLauncher, command, '-p', prefix, ...pluginArguments].join(' '),
      },
    ],
  });
  const output = () => gateway.pluginServerOutput.join('\n');
  const kong: TestKong = {
    mode,
    get adminUrl() {
      return gateway.adminUrl;
    },
    get tlsPort() {
      return gateway.tlsPort;
    },
    prefix,
    output,
    log: () => parseLog(gateway.pluginServerOutput),
    pluginServerPid: () => gateway.pluginServerPid('ssl-cert-reloader'),
    withoutInvalidation: (work) => gateway.withoutInvalidation(work),
    restart: (meanwhile) => gateway.restart(meanwhile),
    stop: async () => {
      await gateway.stop();
      unlike();
      rmSync(prefix, { recursive: true, force: true });
    },
  };
  gateways.set(kong, gateway);
  return kong;
};

function parseLog(lines: readonly string[]): LogLine[] {
  return lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}
