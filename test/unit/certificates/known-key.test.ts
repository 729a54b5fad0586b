import { createPrivateKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { checkKeyAndChain, checkShape } from '../../../src/certificates';
import { isProven } from '../../../src/certificates/known-key';
import { decodePem, encodePem, type PemBlock } from '../../../src/certificates/pem';
import { parseCertificate, type ParsedCertificate } from '../../../src/certificates/x509';
import { mutate, randomOf } from '../../fuzz/mutate';
import { surgeries } from '../../fuzz/surgery';
import { definite, valueAt } from '../../support/ber';
import { derOf, issue, opened, raw } from '../../support/bundles';

const block = (pem: string) => decodePem(pem)?.[0] as PemBlock;

function parseOrNull(der: Buffer): ParsedCertificate | null {
  try {
    return parseCertificate(der);
  } catch {
    return null;
  }
}

/** What OpenSSL says of leaf, key and signature when it is asked in full. */
function isGood(der: Buffer, key: KeyObject, issuer: KeyObject): boolean {
  try {
    const certificate = new X509Certificate(der);
    return certificate.checkPrivateKey(key) && certificate.verify(issuer);
  } catch {
    return false;
  }
}

describe('without decoding the key, a leaf is proven', () => {
  const roots = {
    'P-256': Authority.root('P-256'),
    'P-384': Authority.root('P-384', { key: 'p384' }),
    RSA: Authority.root('RSA', { key: 'rsa-2048' }),
  };
  const table = Object.keys(roots).flatMap((root) =>
    (['prime256v1', 'secp384r1', 'secp521r1'] as const).flatMap((namedCurve) =>
      (['pkcs8', 'sec1'] as const).flatMap((type) =>
        (['sha256', 'sha384'] as const).map((digest) => ({ root, namedCurve, type, digest })),
      ),
    ),
  );

  it.each(table)('$root, $digest over a key on $namedCurve ($type)', ({ root, namedCurve, type, digest }) => {
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve });
    const authority = roots[root as keyof typeof roots];
    const leaf = parseCertificate(derOf(authority.issue({ names: ['a.test'], key, digest }).cert));
    const pem = block(key.export({ type, format: 'pem' }).toString());
    const issuer = new X509Certificate(authority.cert).publicKey;
    expect(isProven(leaf, pem, issuer)).toBe(true);
    expect(isProven(leaf, pem, undefined)).toBe(true);
    const another = generateKeyPairSync('ec', { namedCurve }).privateKey;
    expect(isProven(leaf, block(another.export({ type, format: 'pem' }).toString()), issuer)).toBe(false);
    for (const other of Object.values(roots).filter((one) => one !== authority))
      expect(isProven(leaf, pem, new X509Certificate(other.cert).publicKey)).toBe(false);
  });

  it('not with an issuer whose RSA key is for PSS alone', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    const { cert, key } = roots.RSA.issue({ names: ['a.test'] });
    const { tbs, algorithm } = partsOf(derOf(cert));
    const leaf = parseCertificate(join(tbs, algorithm, sign('sha256', tbs, privateKey)));
    expect(isProven(leaf, block(key), publicKey)).toBe(false);
  });
});

/** A certificate whose octets were changed, and perhaps signed again by its issuer. */
interface Changed {
  der: Buffer;
  isSigned: boolean;
}

const partsOf = (der: Buffer) => {
  const { start } = valueAt(der, 0);
  const { end } = valueAt(der, start);
  const { end: endOfAlgorithm } = valueAt(der, end);
  return { tbs: der.subarray(start, end), algorithm: der.subarray(end, endOfAlgorithm) };
};

const join = (tbs: Buffer, algorithm: Buffer, signature: Buffer) =>
  definite(0x30, Buffer.concat([tbs, algorithm, definite(0x03, Buffer.concat([Buffer.of(0), signature]))]));

/** `MUTATIONS=20000` for a longer run: six changes each. */
const RUNS = Number(process.env['MUTATIONS'] ?? 1_500);

it('what is proven so is what OpenSSL says when it is asked in full, however the leaf was changed', () => {
  const random = randomOf(3);
  const authority = Authority.root('Signer');
  const issuer = new X509Certificate(authority.cert).publicKey;
  const names = Array.from({ length: 3 }, (_, index) => `host-${index}.example.test`);
  const { cert, key, privateKey } = authority.issue({ names, usage: 'server' });
  const original = derOf(cert);
  const { tbs, algorithm } = partsOf(original);
  const signed = (changed: Buffer, by = algorithm): Changed => ({
    der: join(changed, by, sign('sha256', changed, authority.privateKey)),
    isSigned: true,
  });
  const octet = (bytes: Buffer, at: number) => {
    const changed = Buffer.from(bytes);
    changed[at] = Math.floor(random() * 256);
    return changed;
  };
  const some = (bytes: Buffer) => Math.floor(random() * bytes.length);
  function* changes(): Generator<Changed> {
    for (const { cert: der } of surgeries([{ format: 'leaf', cert: original }])) {
      if (der.length > 10_000) continue;
      yield { der, isSigned: false };
      try {
        yield signed(partsOf(der).tbs);
      } catch {
        // Its own length is what was changed.
      }
    }
    for (let run = 0; run < RUNS; run++) {
      yield { der: mutate(original, original, random), isSigned: false };
      yield signed(mutate(tbs, original, random));
      yield signed(octet(tbs, some(tbs)));
      yield signed(octet(octet(tbs, some(tbs)), some(tbs)));
      yield signed(tbs, octet(algorithm, some(algorithm)));
      yield { der: octet(original, some(original)), isSigned: false };
    }
  }
  const counts = { all: 0, parsed: 0, good: 0, proven: 0 };
  const wrong: string[] = [];
  for (const { der } of changes()) {
    counts.all += 1;
    const leaf = parseOrNull(der);
    if (leaf === null) continue;
    counts.parsed += 1;
    const isSo = isProven(leaf, block(key), issuer);
    const isReally = isGood(der, privateKey, issuer);
    if (isSo) counts.proven += 1;
    if (isReally) counts.good += 1;
    if (isSo && !isReally) wrong.push(der.toString('hex'));
  }
  expect(wrong).toEqual([]);
  // Changes that all break something, or nothing, would say nothing.
  expect(counts.proven).toBeGreaterThan(counts.all / 10);
  expect(counts.parsed - counts.proven).toBeGreaterThan(counts.all / 10);
  // The shorter way is taken wherever it may be.
  expect(counts.good - counts.proven).toBeLessThan(counts.good / 10);
  if (process.env['MUTATIONS'] !== undefined) console.log(JSON.stringify(counts));
}, 600_000);

it('a key that the certificate says to be on another curve is not its key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  // P-384, with a point of P-256.
  const spki = Buffer.concat([Buffer.from('3056301006072a8648ce3d020106052b81040022034200', 'hex'), point]);
  const { chain, key } = issue({ key: privateKey, publicKey: spki });
  const bundle = opened(raw({ cert: chain, key }));
  expect(checkShape(bundle.bundle, Date.now())).toBeNull();
  expect(checkKeyAndChain(bundle)?.reason).toBeOneOf(['key_mismatch', 'unsupported_format']);
  const whole = createPrivateKey(encodePem('PRIVATE KEY', block(key).der));
  expect(new X509Certificate(derOf(chain)).checkPrivateKey(whole)).toBe(false);
});
