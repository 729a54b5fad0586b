import { createPrivateKey } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { digestOf, openBundle, toPemAsFound } from '../../../src/certificates';
import { Authority } from '../../../src/authority/authority';
import { MAX_BUNDLE_BYTES, type Reason } from '../../../src/model';
import {
  authorities,
  blocksOf,
  derOf,
  issue,
  LOCATION,
  opened,
  raw,
  rawOf,
  refusalOf,
  secretsIn,
} from '../../support/bundles';

const issued = issue();
const { chain, key, privateKey } = issued;
const [leaf = '', intermediate = ''] = blocksOf(chain);
const digests = (texts: { cert: string; key: string }) => {
  const { content, chain } = opened(raw(texts)).bundle;
  return { content, chain };
};
const before = digests({ cert: chain, key });

describe('a change of the files is', () => {
  test.for<[string, { cert: string; key: string }]>([
    ['line ends of Windows', { cert: chain.replace(/\n/g, '\r\n'), key: key.replace(/\n/g, '\r\n') }],
    ['blank lines', { cert: chain.replace(/-----\n/g, '-----\n\n'), key: `\n${key}\n` }],
    ['comments', { cert: `# renewed by cron\n${chain}`, key: `# secret\n${key}` }],
    ['bag attributes', { cert: `Bag Attributes\n    localKeyID: 01\nsubject=/CN=x\n${chain}`, key }],
    ['a line feed less at the end', { cert: chain.trimEnd(), key: key.trimEnd() }],
    [
      'longer lines',
      {
        cert: `-----BEGIN CERTIFICATE-----\n${derOf(leaf).toString('base64')}\n-----END CERTIFICATE-----\n${intermediate}`,
        key,
      },
    ],
    ['the key in the certificate file', { cert: chain + key, key: '' }],
  ])('none where it is only %s', ([, texts]) => {
    expect(digests(texts)).toEqual(before);
  });

  test.for<[string, { cert: string; key: string }]>([
    [
      'another encoding of the key',
      { cert: chain, key: privateKey.export({ type: 'sec1', format: 'pem' }).toString() },
    ],
    ['another order of the chain', { cert: intermediate + leaf, key }],
    ['the root being added', { cert: chain + authorities().root.cert, key }],
    ['a certificate standing there twice', { cert: chain + intermediate, key }],
  ])('one of the content, but not of what is served, where it is %s', ([, texts]) => {
    const after = digests(texts);
    expect(after.content).not.toBe(before.content);
    expect(after.chain).toBe(before.chain);
  });

  it('a change of what is served where the certificate was renewed with the same key', () => {
    const renewed = issue({ key: privateKey });
    const after = digests({ cert: renewed.chain, key: renewed.key });
    expect(renewed.key).toBe(key);
    expect(after.content).not.toBe(before.content);
    expect(after.chain).not.toBe(before.chain);
  });

  it('a change of what is served where only the intermediate was renewed', () => {
    const { root, intermediate: ca } = authorities();
    const renewed = root.intermediate(ca.name, { key: ca.privateKey });
    const after = opened(raw({ cert: leaf + renewed.cert, key })).bundle;
    expect(after.leaf.fingerprint).toBe(opened(rawOf(issued)).bundle.leaf.fingerprint);
    expect(after.chain).not.toBe(before.chain);
    expect(after.content).not.toBe(before.content);
  });

  it('a change of what is served where the intermediate went missing', () => {
    expect(digests({ cert: leaf, key }).chain).not.toBe(before.chain);
  });
});

describe('a digest', () => {
  it('of one certificate is SHA-256 in base64url', () => {
    expect(digestOf([Buffer.from('abc')])).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  it('of the chain is what a handshake shows: the DER of each certificate in order', () => {
    expect(before.chain).toBe(digestOf([derOf(leaf), derOf(intermediate)]));
  });
});

describe('a bundle', () => {
  it('tells where it is, how long its chain is and what its leaf says, without any text of the key', () => {
    const { bundle } = opened(rawOf(issued));
    expect(bundle).toMatchObject({
      location: LOCATION,
      chainLength: 2,
      leaf: { names: ['www.example.test'] },
    });
    for (const secret of secretsIn(key)) expect(JSON.stringify(bundle)).not.toContain(secret);
  });

  const encrypted = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const traditional = issue({ key: 'rsa-2048' }).privateKey.export({
    type: 'pkcs1',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  test.for<[Reason, string, { cert?: string; key?: string }, string]>([
    ['incomplete', 'an empty file', { cert: '', key }, 'is empty'],
    ['incomplete', 'a file of blanks', { cert: ' \n\n', key }, 'is empty'],
    ['incomplete', 'a cut-off leaf', { cert: leaf.slice(0, 300), key }, 'is cut off'],
    ['incomplete', 'a cut-off chain', { cert: chain.slice(0, -40), key }, 'is cut off'],
    ['incomplete', 'a cut-off key', { cert: chain, key: key.slice(0, 100) }, 'is cut off'],
    ['unsupported_format', 'a DER file', { cert: derOf(leaf).toString('latin1'), key }, 'is not PEM'],
    [
      'unsupported_format',
      'a request in place of the certificate',
      { cert: '-----BEGIN NEW CERTIFICATE REQUEST-----\nMIIB\n-----END NEW CERTIFICATE REQUEST-----\n', key },
      'holds a certificate request',
    ],
    ['unsupported_format', 'a text', { cert: 'hello', key: 'hello' }, 'is not PEM'],
    [
      'unsupported_format',
      'a block that is no certificate',
      { cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', key },
      'not an X.509',
    ],
    ['missing_certificate', 'a key in place of the certificate', { cert: key, key }, 'no certificate'],
    [
      'missing_certificate',
      "certificate and key in each other's file",
      { cert: key, key: chain },
      'may be swapped',
    ],
    ['missing_key', 'no key', { cert: chain, key: '' }, 'no private key'],
    ['missing_key', 'an empty key file', { cert: chain, key: '\n' }, 'no private key'],
    ['missing_key', 'swapped certificate in the key file', { cert: chain, key: chain }, 'no private key'],
    ['encrypted_key', 'an encrypted PKCS#8 key', { cert: chain, key: String(encrypted) }, 'is encrypted'],
    ['encrypted_key', 'an encrypted PKCS#1 key', { cert: chain, key: String(traditional) }, 'is encrypted'],
    ['too_large', 'more than 1 MiB', { cert: chain + '#'.repeat(MAX_BUNDLE_BYTES), key }, '1 MiB'],
    ['chain_broken', 'two leaves', { cert: leaf + issue().cert, key }, 'do not form one chain'],
  ])('is refused as %s: %s', ([reason, , texts, words]) => {
    const why = refusalOf(openBundle(raw(texts)));
    expect(why.message).toContain(words);
    expect(why.reason).toBe(reason);
    expect(why.message).toContain(LOCATION);
    for (const secret of [...secretsIn(key), ...secretsIn(texts.key ?? '')]) {
      expect(why.message).not.toContain(secret);
    }
  });

  describe('for the ingress controller', () => {
    const asFound = (texts: { cert: string; key: string }) => toPemAsFound(opened(raw(texts)));

    it('is handed on as it was found, comments, line ends and all', () => {
      const cert = `# renewed\n${chain.replace(/\n/g, '\r\n')}`;
      const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
      expect(asFound({ cert, key: sec1 })).toEqual({ cert: cert.trim(), key: sec1.trim() });
    });

    test.for([
      ['its key is indented', { cert: chain, key: key.replace(/^/gm, '  ') }],
      ['its leaf has the line ends of old Macs', { cert: chain.replace(/\n/g, '\r'), key }],
      ['its leaf stands last', { cert: intermediate + leaf, key }],
      ['its key stands with the certificate', { cert: chain + key, key: '' }],
    ] as const)('is written anew where Kong would not take it: %s', ([, texts]) => {
      expect(asFound(texts)).toEqual({ cert: chain, key });
    });
  });

  it('of exactly 1 MiB is still read', () => {
    const { chain: cert } = issued;
    const filling = '#'.repeat(MAX_BUNDLE_BYTES - cert.length - key.length);
    expect(opened(raw({ cert: cert + filling, key })).bundle.content).toBe(before.content);
  });

  it('is refused where a certificate lost its last line and the next one follows', () => {
    const unfinished = leaf.replace('-----END CERTIFICATE-----\n', '');
    refusalOf(openBundle(raw({ cert: unfinished + intermediate, key })));
  });

  it('of a CA that has its key with it is understood; the gate refuses it', () => {
    const root = Authority.root();
    const rootKey = root.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(opened(raw({ cert: root.cert, key: rootKey })).bundle.leaf.isCa).toBe(true);
  });
});
