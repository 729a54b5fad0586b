import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KongNode } from '../../src/gateway/node/node';
import { testFolder } from '../support/folders';

/** Another container of the pod, which may write to Kong's prefix, fills the files that tell how Kong was started. */
const MOST_CPU_MS = 1_000;
const MOST_BYTES = 200 * 1024 * 1024;
const SIZE = 32_000_000;

const fill = (start: string, piece: string) => `${start}${piece.repeat(SIZE / piece.length)}\n`;

test.for<[string, string, string]>([
  ['line feeds', '.kong_env', fill('', '\n')],
  ['settings', '.kong_env', fill('', 'a = \n')],
  ['listeners of the Admin API', '.kong_env', fill('admin_listen = ', '127.0.0.1:1,')],
  ['listeners of the proxy', '.kong_env', fill('proxy_listen = ', '127.0.0.1:1 ssl,')],
  ['flags of a listener', '.kong_env', fill('proxy_listen = 127.0.0.1:1', ' ssl')],
  ['certificates', '.kong_env', fill('ssl_cert = ', '/a,') + fill('ssl_cert_key = ', '/a,')],
  ['line feeds', 'nginx-kong.conf', fill('', '\n')],
  ['servers', 'nginx-kong.conf', fill('', 'server {\nlisten 1.1.1.1:1 ssl;\n}\n')],
  ['listeners of one server', 'nginx-kong.conf', `${fill('server {\n', 'listen 1.1.1.1:1 ssl;\n')}}\n`],
  ['line feeds', 'nginx.conf', fill('', '\n')],
])('%s without end in %s cost no more than a moment', ([, name, text]) => {
  // As they are, and as many as are read.
  for (const most of [SIZE, 4_000_000]) {
    const prefix = testFolder();
    if (name === 'nginx.conf') writeFileSync(join(prefix, 'nginx-kong.conf'), 'server {\n}\n');
    writeFileSync(join(prefix, name), text.slice(0, most));
    const [before, memory] = [process.cpuUsage(), process.memoryUsage().rss];
    const facts = new KongNode(prefix).tryRead();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(MOST_CPU_MS);
    expect(process.memoryUsage().rss - memory).toBeLessThan(MOST_BYTES);
    expect([...(facts?.admin ?? []), ...(facts?.tls ?? [])].length).toBeLessThanOrEqual(200);
  }
});
