import { createECDH, createPrivateKey, generateKeyPairSync, type ECDH } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { checkKeyAndChain, checkShape, toPem } from '../../../src/certificates';
import { encodePem } from '../../../src/certificates/pem';
import { issue, opened, raw, rawOf } from '../../support/bundles';
import { missing, run } from '../../support/tools';

describe('the gate lets through', () => {
  it.each(['p256', 'rsa-2048', 'ed25519'] as const)('a %s key however its lines are set', (kind) => {
    const { chain, key, privateKey } = issue({ key: kind });
    const forms = {
      'of Windows': key.replace(/\n/g, '\r\n'),
      'of old Macs': key.replace(/\n/g, '\r'),
      indented: key.replace(/^/gm, '    '),
      'with blank lines': key.replace(/\n/g, '\n\n'),
      'with blanks for line feeds': key.replace(/\n/g, ' '),
      'all in one': key.replace(/\n/g, ''),
    };
    for (const [name, text] of Object.entries(forms)) {
      const bundle = opened(raw({ cert: chain, key: text }));
      expect(checkKeyAndChain(bundle), name).toBeNull();
      // OpenSSL, which is less tolerant, must be able to read it.
      expect(createPrivateKey(toPem(bundle).key).equals(privateKey), name).toBe(true);
    }
  });

  it.skipIf(missing.openssl !== null)(`a key of three primes [${missing.openssl ?? 'found'}]`, () => {
    const made = run('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_primes:3']);
    const key = createPrivateKey(made);
    expect(checkKeyAndChain(opened(rawOf(issue({ key }))))).toBeNull();
  });

  it('an RSA-PSS key', () => {
    const { privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    const issued = issue({ key: privateKey });
    const bundle = opened(rawOf(issued));
    expect(checkShape(bundle.bundle, Date.now()) ?? checkKeyAndChain(bundle)).toBeNull();
  });
});

it('a key without a valid number is refused, whatever key came before it', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const { chain } = issue({ key: privateKey });
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const gate = (key: Buffer) =>
    checkKeyAndChain(opened(raw({ cert: chain, key: encodePem('PRIVATE KEY', key) })))?.reason;
  for (const octet of [0x00, 0xff]) {
    expect(gate(der)).toBeUndefined();
    expect(gate(Buffer.from(der).fill(octet, 36, 68))).toBe('unsupported_format');
  }
});

describe('a key of which a part is damaged', () => {
  const elliptic = ['prime256v1', 'secp384r1', 'secp521r1'].flatMap((namedCurve) =>
    (['pkcs8', 'sec1'] as const).map((type) => ({ namedCurve, type })),
  );

  it.each(elliptic)('$namedCurve as $type, has none that may be another', ({ namedCurve, type }) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve });
    const { chain } = issue({ key: privateKey });
    const der = privateKey.export({ type, format: 'der' });
    const gateWith = (key: Buffer, label = type === 'sec1' ? 'EC PRIVATE KEY' : 'PRIVATE KEY') => {
      const bundle = opened(raw({ cert: chain, key: encodePem(label, key) }));
      return checkKeyAndChain(bundle)?.reason ?? createPrivateKey(toPem(bundle).key).equals(privateKey);
    };
    expect(gateWith(der)).toBe(true);
    for (let at = 0; at < der.length; at++) {
      const damaged = Buffer.from(der);
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      // True: an octet that says nothing, as that of a version, and OpenSSL reads the key as it was.
      expect(gateWith(damaged), `octet ${at}`).toBeOneOf(['unsupported_format', 'key_mismatch', true]);
    }
    for (const label of ['RSA PRIVATE KEY', 'SECRET PRIVATE KEY']) {
      expect(gateWith(der, label), label).toBe('unsupported_format');
    }
  });
});

it('the numbers of elliptic keys are overwritten once they were checked', async () => {
  const prototype = Object.getPrototypeOf(createECDH('prime256v1')) as ECDH;
  const set = vi.spyOn(prototype, 'setPrivateKey');
  onTestFinished(() => set.mockRestore());
  for (const key of ['p256', 'p384'] as const)
    expect(checkKeyAndChain(opened(rawOf(issue({ key }))))).toBeNull();
  await new Promise(setImmediate);
  const last = new Map(set.mock.contexts.map((pair, index) => [pair, set.mock.calls[index]?.[0]]));
  expect(last.size).toBeGreaterThanOrEqual(2);
  for (const number of last.values()) expect(number).toEqual(Buffer.from([1]));
});
