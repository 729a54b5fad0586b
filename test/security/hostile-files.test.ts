import { beforeAll, describe, expect, it } from 'vitest';
import { inspectFiles } from '../../src/certificates';
import { isRefusal, REASONS } from '../../src/model';
import { filesOfEveryFormat, PASSWORD, rsaIssuer } from '../support/format-files';
import { secretsIn } from '../support/bundles';
import { passing } from '../support/stages';
import { corpus } from '../fuzz/corpus';

const DAY_MS = 86_400_000;

describe('hostile files', () => {
  const issuer = rsaIssuer();
  const names = ['www.example.test'];
  const current = issuer.issue({ names, key: 'rsa-2048', notBefore: new Date(Date.now() - 2 * DAY_MS) });
  const renewed = issuer.issue({ names, key: 'rsa-2048' });
  const files = filesOfEveryFormat(renewed);
  const all = corpus(files);
  const secrets = secretsIn(renewed.key);

  beforeAll(() => {
    expect(all.length).toBeGreaterThanOrEqual(300);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  /** A Kong with the certificate of before, and a source with one file. */
  async function passWith(cert: Buffer, key: Buffer, password: string) {
    const { runner, source, gateway } = passing();
    gateway.put('www', current);
    source.put('www', { cert: cert.toString('latin1'), key: key.toString('latin1'), password });
    await runner.pass('start');
    return gateway.writes;
  }

  it.each(files)('$format as it should be is written to Kong', async ({ cert, key }) => {
    expect(await passWith(cert, key ?? Buffer.alloc(0), PASSWORD)).toEqual(['www']);
  });

  it.each(all)('$name: refused and never written', async ({ cert, key, password }) => {
    const { format, opened } = await inspectFiles({
      location: '/certs/www',
      cert,
      password,
      ...(key.length === 0 ? {} : { key }),
    });
    expect(format).not.toBe('');
    if (isRefusal(opened)) {
      expect(REASONS).toHaveProperty(opened.reason);
      expect(opened.message).toContain('/certs/www');
      expect(opened.message.length).toBeLessThan(1_000);
      // eslint-disable-next-line no-control-regex
      expect(opened.message).not.toMatch(/[\0-\x1f]/);
      expect(opened.message).not.toContain(PASSWORD);
      for (const secret of secrets) expect(opened.message).not.toContain(secret);
    }
    expect(await passWith(cert, key, password)).toEqual([]);
  });

  it.each(all.filter(({ name }) => / of -?[\d,^]+ iterations$|scrypt (over|with [Np] = 2)/.test(name)))(
    '$name: the sentence says what it asks for',
    async ({ name, cert, password }) => {
      const { opened } = await inspectFiles({ location: '/certs/www', cert, password });
      const asks = name.includes('scrypt')
        ? 'asks for too much memory'
        : 'asks for more than 600000 iterations';
      const isImpossible = /(of|with) (0|-1) iterations/.test(name);
      expect(isRefusal(opened) ? opened.message : '').toContain(isImpossible ? 'it is damaged' : asks);
    },
  );
});
