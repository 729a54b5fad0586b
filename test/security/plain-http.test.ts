import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { connect } from '../../src/app/connection';
import { Webhook } from '../../src/alerts';
import { fetchStatus } from '../../src/cli/status/client';
import { clientOf } from '../../src/kubernetes';
import { testFolder } from '../support/folders';
import { readerOf } from '../support/remote-source';

const OTHERS = [
  'http://192.0.2.1:8001',
  'http://kong.invalid',
  'http://[2001:db8::1]:8001',
  'http://127.0.0.1.invalid',
];

/** Everything that has an address, and the operator's word that lets it be plain http. */
const CLIENTS: Readonly<Record<string, (url: string, isAllowed: boolean) => Promise<unknown>>> = {
  'the Admin API of the configuration': (url, allow_http) =>
    connect({ prefix: testFolder() }, { url, allow_http }),
  'the Admin API of an argument': (adminUrl, allowHttp) =>
    connect({ prefix: testFolder(), adminUrl, allowHttp }, {}),
  'a kubeconfig': (server, allow_http) => {
    const kubeconfig = join(testFolder(), 'kubeconfig');
    const context = { name: 'x', context: { cluster: 'x', user: 'x' } };
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': 'x',
        contexts: [context],
        clusters: [{ name: 'x', cluster: { server } }],
        users: [{ name: 'x', user: { token: 's3cret' } }],
      }),
    );
    return clientOf({ kubeconfig, allow_http }, 300).get('/version');
  },
  'a source of type vault': (url, allow_http) =>
    source({ type: 'vault', url, secret_path: 'a', token: 's3cret', allow_http }),
  'a source of type http': (url, allow_http) => source({ type: 'http', url, token: 's3cret', allow_http }),
  'a webhook': async (webhook, allow_http) => {
    const hook = new Webhook({ webhook, headers: [], allow_http }, (address) => address, 300);
    const delivery = await hook.post({}).finally(() => hook.close());
    throw new Error('error' in delivery ? delivery.error : 'it was delivered');
  },
  'the status': (url, allowHttp) => fetchStatus({ socket: '', url, allowHttp }, AbortSignal.timeout(300)),
};

async function source(config: object): Promise<never> {
  const { errors } = await readerOf({ timeout: 1, ...config }).pass();
  throw new Error(errors.map(({ message }) => message).join('; '));
}

const messageOf = (work: () => Promise<unknown>): Promise<string> =>
  Promise.resolve()
    .then(work)
    .then(
      () => 'it was asked',
      (error: unknown) => (error as Error).message,
    );

const SENTENCE =
  'plain http goes only to loopback addresses, since keys and tokens would cross the network unencrypted';

describe.each(Object.entries(CLIENTS))('%s', (_name, ask) => {
  test.for(OTHERS)('at %s is refused by one sentence with the way out', async (url) => {
    const message = await messageOf(() => ask(url, false));
    expect(message).toContain(SENTENCE);
    expect(message).toMatch(/or set [^ ]*allow[-_]http/);
    expect(message).not.toContain('s3cret');
  });

  it('is asked where the operator says so', async () => {
    expect(await messageOf(() => ask('http://kong.invalid:1', true))).not.toContain(SENTENCE);
  });
});
