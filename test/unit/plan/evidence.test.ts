import { describe, expect, it, test } from 'vitest';
import { Authority, type Issued } from '../../../src/authority/authority';
import { issuerSet, NO_ISSUERS, type IssuerSet } from '../../../src/certificates';
import type { Question, SourcedBundle } from '../../../src/model';
import { toStored } from '../../../src/gateway/admin/entities';
import { EvidenceBook } from '../../../src/plan';
import { opened, rawOf } from '../../support/bundles';

const root = Authority.root('Root');
const one = root.intermediate('One');
const names = { names: ['www.example.test'] };

/** Asks a book about a bundle and what Kong has. */
function asked(kind: Question['kind'], fresh: Issued, present: Issued, trusted: IssuerSet = NO_ISSUERS) {
  const book = new EvidenceBook();
  book.trust(trusted);
  const certificate = toStored({ id: 'K', cert: present.chain, key: present.key, snis: names.names });
  const whole = opened(rawOf(fresh));
  const bundle: SourcedBundle = { ...whole.bundle, id: 'www', create: false };
  const question: Question =
    kind === 'trusted' ? { kind, bundle } : { kind, bundle, certificate, half: 'main' };
  const read = () =>
    kind === 'trusted' ? book.isTrusted(bundle) : book.isSameIssuer(bundle, certificate.main);
  expect(read()).toBeUndefined();
  book.answer(question, whole.chain, present.chain, Date.now());
  return { book, read, bundle, certificate };
}

/** An authority of the same name and another key. */
const impostor = () => Authority.root('Root').intermediate('One');

describe('signatures tell', () => {
  test.for<[boolean, string, () => Issued]>([
    [true, 'a renewal by the same intermediate', () => one.issue(names)],
    [false, 'a leaf of an authority that only has its name', () => impostor().issue(names)],
    [false, 'a leaf of another intermediate', () => Authority.root('Other').intermediate('Two').issue(names)],
  ])('%s for "the same issuer" of %s', ([answer, , fresh]) => {
    expect(asked('same_issuer', fresh(), one.issue(names)).read()).toBe(answer);
  });

  test.for<[boolean, string, () => IssuerSet]>([
    [false, 'no root is named', () => NO_ISSUERS],
    [true, 'its root is named', () => issuerSet([root.cert])],
    [true, 'its intermediate is named', () => issuerSet([one.cert])],
    [false, 'a root of the same name is named', () => issuerSet([Authority.root('Root').cert])],
  ])('%s for "trusted" where %s', ([answer, , trusted]) => {
    expect(asked('trusted', one.issue(names), one.issue(names), trusted()).read()).toBe(answer);
  });
});

it('an answer is about these contents alone', () => {
  const { book, bundle, certificate } = asked('same_issuer', one.issue(names), one.issue(names));
  expect(book.isSameIssuer({ ...bundle, content: 'another' }, certificate.main)).toBeUndefined();
  expect(book.isSameIssuer(bundle, { ...certificate.main, chain: 'another' })).toBeUndefined();
  expect(book.isTrusted(bundle)).toBeUndefined();
});

it('everything is asked anew where other CAs are trusted', () => {
  const { book, read } = asked('trusted', one.issue(names), one.issue(names));
  const trusted = issuerSet([root.cert]);
  book.trust(trusted);
  expect(read()).toBeUndefined();
  book.trust(trusted);
});

it('a certificate without its key is nobody’s', () => {
  const book = new EvidenceBook();
  book.trust(issuerSet([root.cert]));
  const { bundle } = opened(rawOf(one.issue(names)));
  const copy: SourcedBundle = { ...bundle, id: 'copy', create: false };
  book.answer({ kind: 'trusted', bundle: copy }, [], '', Date.now());
  expect(book.isTrusted(copy)).toBe(false);
});
