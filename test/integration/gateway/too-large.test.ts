import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { issue } from '../../support/bundles';

import { aged, creating, idOf, kindsOf, kongWith, pairOf, updating, write } from './harness';

const rsa = issue({ names: ['twin.test'], key: 'rsa-2048' });
const ec = issue({ names: ['twin.test'] });

describe('changes that Kong does not take in one post', () => {
  it('have both halves of a new certificate written, the larger one first', async () => {
    const kong = await kongWith('dbless', [], 9_000);
    const create = creating(idOf(1), rsa, ['twin.test']);
    const alt = updating(
      { ...create, owner: 'us', secret: null, main: create.bundle, alt: null } as never,
      ec,
      { half: 'alt' },
    );
    const issued = aged(1, ...Array.from({ length: 400 }, (_, index) => `${index}.large.test`));
    const results = await write(kong.gateway, [
      [create, rsa],
      [{ ...alt, certificate: { ...alt.certificate, id: idOf(1) } }, ec],
      [creating(idOf(2), issued, ['0.large.test']), issued],
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(['written', 'written', 'failed']);
    expect(kong.state()).toMatchObject([{ id: idOf(1), cert_alt: ec.chain }]);
  });

  it('hold back neither a certificate nor a small CA certificate where another CA certificate is large', async () => {
    const kong = await kongWith(
      'dbless',
      [{ id: idOf(1), issued: aged(30, 'a.test'), snis: ['a.test'] }],
      6_000,
    );
    const renewed = aged(1, 'a.test');
    const pem = Authority.root('Test CA').cert;
    const digest = new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
    const ca = (digit: number, size: number) =>
      ({
        kind: 'create',
        id: idOf(digit),
        ca: { pem: pem + 'x'.repeat(size), digest },
        tags: [],
      }) as never;
    const { certificates, caCertificates } = await kong.gateway.write(
      {
        certificates: [updating(kong.stored(idOf(1)), renewed)],
        caCertificates: [ca(5, 10_000), ca(6, 20_000), ca(7, 0), ca(8, 30_000)],
      },
      () => Promise.resolve(pairOf(renewed)),
    );
    expect(kindsOf(certificates)).toEqual({ [idOf(1)]: 'written' });
    expect(caCertificates.map(({ kind, change: { id } }) => [id, kind])).toEqual([
      [idOf(7), 'written'],
      [idOf(5), 'failed'],
      [idOf(6), 'failed'],
      [idOf(8), 'failed'],
    ]);
  });

  it.each(['renewals', 'new certificates'])(
    'are few posts where there is no room for the %s of anybody',
    async (what) => {
      const old = aged(30, 'a.test', `${'long'.repeat(12)}.test`);
      const fresh = aged(1, 'a.test');
      const ids = Array.from({ length: 9 }, (_, index) => idOf(index + 1));
      const kong = await kongWith(
        'dbless',
        what === 'renewals' ? ids.map((id, index) => ({ id, issued: old, snis: [`${index}.test`] })) : [],
      );
      kong.stand.inject({ method: 'POST', path: /^\/config/, status: 413, times: Infinity });
      const changes = ids.map((id, index) => {
        const change =
          what === 'renewals' ? updating(kong.stored(id), fresh) : creating(id, fresh, [`${index}.test`]);
        return [{ ...change, bundle: { ...change.bundle, ownership: 'tenants' as const } }, fresh] as const;
      });
      const results = await write(kong.gateway, changes);
      expect(results.map(({ kind }) => kind)).toEqual(ids.map(() => 'failed'));
      // Halves until one is left: 9, 5, 3, 2, 1.
      expect(kong.writes()).toBe(5);
    },
  );
});
