import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import type { Issued, IssueOptions } from '../../src/authority/authority';
import { completeConfig } from '../../src/app/config';
import { startGateway, type Mode } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { leafOf } from '../support/tls';

const ID = '7f0c1a5e-2f5b-4d4c-8d5d-0d2a5c7b1e11';
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

/** A gateway with a service that shows a client certificate to its upstream, and a folder with renewals. */
async function upstream(mode: Mode, { chain, key }: Issued) {
  const certificates = [{ id: ID, cert: chain, key }];
  const services = [{ name: 'upstream', host: 'upstream.test', protocol: 'https', client_certificate: ID }];
  const gateway = await startGateway(
    mode === 'dbless'
      ? { mode, declarativeConfig: JSON.stringify({ _format_version: '3.0', certificates, services }) }
      : { mode },
  );
  onTestFinished(() => gateway.stop());
  if (mode === 'database') {
    const send = (path: string, body: object) =>
      fetch(gateway.adminUrl + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    await send('/certificates', certificates[0] ?? {});
    await send('/services', { ...services[0], client_certificate: { id: ID } });
  }
  const certs = testFolder();
  const config = completeConfig({ sources: [{ type: 'directory', path: certs, create: false }] });
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const runner = compose(config, kong);
  return { gateway, runner, certs, stored: () => leafOf(gateway.certificates()[0]?.cert ?? '') };
}

const KINDS: [string, IssueOptions][] = [
  ['with a name', { names: ['billing.clients.test'], usage: 'client' }],
  ['whose subject is all that it has', { names: ['Billing Service'], usage: 'client', withoutNames: true }],
];

it.for(
  KINDS.flatMap(([kind, options]) =>
    (['dbless', 'database'] as const).map((mode) => [kind, mode, options] as const),
  ),
)('the client certificate of a service, %s, follows its source (%s)', async ([, mode, options]) => {
  const { gateway, runner, certs, stored } = await upstream(
    mode,
    issue({ ...options, notBefore: daysAgo(60) }),
  );
  const renewed = issue({ ...options, notBefore: daysAgo(2) });
  writePair(certs, 'client', renewed);
  // Newer, and of the same name; but no upstream would take it from a client.
  writePair(certs, 'server', issue({ ...options, usage: 'server', notBefore: daysAgo(1) }));
  writePair(certs, 'other', issue({ ...options, names: ['Other Service'], notBefore: daysAgo(1) }));
  const { events } = await runner.pass('start');
  expect(events).toMatchObject([{ outcome: { kind: 'swapped', proof: { verdict: 'unreachable' } } }]);
  expect(stored()).toBe(leafOf(renewed.cert));
  expect(gateway.entities('services')).toMatchObject([{ client_certificate: { id: ID } }]);
  expect((await runner.pass('poll')).events).toEqual([]);
});
