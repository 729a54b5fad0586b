import { join } from 'node:path';
import { it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { Authority } from '../../src/authority/authority';
import { completeConfig } from '../../src/app/config';
import { startGateway } from '../gateway';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { leafOf, servedChain } from '../support/tls';
import type { SecretContent } from './apiserver';
import { describeWithCluster } from './suite';

const HOST = 'www.example.test';
const names = [HOST];
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const root = Authority.root();
const issuer = root.intermediate('First');
const old = issuer.issue({ names, notBefore: ago(60) });
const other = Authority.root('Another Root').intermediate('Another');
const rekeyed = issuer.issue({ names, notBefore: ago(1) });
const samekey = issuer.issue({ names, key: old.privateKey, notBefore: ago(1) });
const moved = other.issue({ names, notBefore: ago(1) });
const cross = root.intermediate('First', { key: issuer.privateKey });
const contentOf = ({ chain, key }: { chain: string; key: string }): SecretContent => ({ cert: chain, key });

describeWithCluster('a renewed Secret is served', (cluster) => {
  it.for([
    ['with a new key', 'www', contentOf(rekeyed), [rekeyed.cert, issuer.cert]],
    ['with the same key', 'www', contentOf(samekey), [samekey.cert, issuer.cert]],
    [
      'with a new intermediate alone',
      'www',
      { cert: old.cert + cross.cert, key: old.key },
      [old.cert, cross.cert],
    ],
    ['of another issuer', 'www', contentOf(moved), [moved.cert, other.cert]],
    ['under another name', 'www-2', contentOf(rekeyed), [rekeyed.cert, issuer.cert]],
    [
      'of nearly 1 MiB',
      'www',
      { ...contentOf(rekeyed), data: { notes: 'x'.repeat(1_000_000) } },
      [rekeyed.cert, issuer.cert],
    ],
  ] as const)('%s', async ([, name, content, chain], { task }) => {
    const where = `renewal-${task.id.replace(/[^a-z0-9]/g, '')}`;
    await cluster().createNamespace(where);
    await cluster().applySecret(where, 'www', contentOf(old));
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'));
    const config = completeConfig({ sources: [{ type: 'kubernetes', namespaces: [where], kubeconfig }] });
    const connection = await connect({ prefix: gateway.prefix }, {});
    const runner = compose(config, connection);
    const { close } = runner;
    onTestFinished(() => {
      connection.client.close();
      close();
    });
    await runner.pass('start');
    await cluster().applySecret(where, name, content);
    if (name !== 'www') await cluster().deleteSecret(where, 'www');
    const expected = chain.map(leafOf);
    await eventually('it is served whole', async () => {
      await runner.pass('poll');
      return (await servedChain(gateway.tlsPort, HOST)).join() === expected.join();
    });
  });
});
