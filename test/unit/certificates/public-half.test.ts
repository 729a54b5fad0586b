import { inspect } from 'node:util';
import { describe, expect, it, test } from 'vitest';
import { publicHalfOf, withKey, type PublicHalf } from '../../../src/certificates';
import { encodePem } from '../../../src/certificates/pem';
import type { RawBundle } from '../../../src/model';
import { blocksOf, issue, opened, raw } from '../../support/bundles';

const { chain, key } = issue();
const [leaf = '', intermediate = ''] = blocksOf(chain);
const another = issue();

const whole = raw({ cert: chain, key });
const half = publicHalfOf(whole, opened(whole)) as PublicHalf;

describe('a bundle that is read again', () => {
  test.for<[string, RawBundle]>([
    ['its texts are the same', whole],
    ['there is a comment before its key', raw({ cert: chain, key: `# secret\n${key}` })],
    ['it was written later', { ...whole, settlesAt: 5 }],
  ])('opens as if it had been parsed again: %s', ([, again]) => {
    expect(withKey(half, again)).toEqual(opened(again));
  });

  test.for<[string, RawBundle]>([
    ['another key', raw({ cert: chain, key: another.key })],
    ['no key', raw({ cert: chain, key: '' })],
    ['a key that is cut off', raw({ cert: chain, key: key.slice(0, -40) })],
    ['a damaged key', raw({ cert: chain, key: key.replace(/\n..../, '\nAAAA') })],
    ['another leaf', raw({ cert: another.chain, key })],
    ['its leaf alone', raw({ cert: leaf, key })],
    ['the key in the place of the certificate', raw({ cert: key, key: chain })],
    ['issuers beside it', { ...whole, issuers: [intermediate] }],
    ['another Secret', { ...whole, secret: { uid: 'u', namespace: 'n', name: 's' } }],
    ['another host', { ...whole, hosts: ['a.test'] }],
  ])('is parsed again: %s', ([, again]) => {
    expect(withKey(half, again)).toBeNull();
  });

  it('of a Secret is compared by what the Secret says', () => {
    const secret = { uid: 'u', namespace: 'n', name: 's' };
    const of = { ...whole, secret };
    expect(
      withKey(publicHalfOf(of, opened(of)) as PublicHalf, { ...of, secret: { ...secret } }),
    ).not.toBeNull();
  });
});

describe('no key is held', () => {
  it('of a bundle with a file for its key', () => {
    expect(inspect(half, { depth: null, maxStringLength: null })).not.toContain(key.slice(60, 100));
    expect(half).not.toHaveProperty('opened.key');
    expect(publicHalfOf({ ...whole, password: 'hunter2' }, opened(whole))).not.toHaveProperty(
      'texts.password',
    );
  });

  test.for<[string, RawBundle]>([
    ['with the key in the same file', raw({ cert: chain + key, key: '' })],
    ['with a second key in it', raw({ cert: chain + another.key, key })],
    ['with a key in a file beside it', { ...whole, issuers: [intermediate + another.key] }],
    [
      'with a keystore beside it',
      { ...whole, issuers: [encodePem('X', Buffer.alloc(9)).replace(/-.*-/g, '')] },
    ],
  ])('of a bundle %s', ([, one]) => {
    expect(publicHalfOf(one, opened(one))).toBeNull();
  });
});
