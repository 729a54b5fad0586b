import { expect, it } from 'vitest';
import { refusal, type StoredCertificate } from '../../../src/model';
import { Findings } from '../../../src/pass/findings';
import { bundle, NOW, stored } from '../../support/plans';

const known = bundle('www', { names: ['www.test'] });
const why = refusal('older_than_stored', 'it is older');

function refusing(isThere = () => true) {
  const found = new Findings(() => NOW);
  const bundles = { get: () => (isThere() ? known : null) };
  return (refused: boolean, inKong: StoredCertificate[] = []) => {
    found.refusals(new Map(refused ? [['www', why]] : []), bundles, () => inKong);
    return found.take().events;
  };
}

it('a refusal that is over is told once', () => {
  const report = refusing();
  report(true);
  expect(report(false)).toMatchObject([{ bundle: 'www', outcome: { kind: 'mended', refusal: why } }]);
  expect(report(false)).toEqual([]);
});

it('a refusal of what is gone is not mended', () => {
  let isThere = true;
  const report = refusing(() => isThere);
  report(true);
  isThere = false;
  expect(report(false)).toEqual([]);
});

it.each<[what: string, certificates: StoredCertificate[], inKong: object | undefined]>([
  ['nothing', [], undefined],
  ['a valid certificate', [stored('c1')], { certificate: 'c1', isValid: true }],
  ['an expired certificate', [stored('c1', { age: 91 })], { certificate: 'c1', isValid: false }],
])('where Kong has %s in its place, that is told', (_, certificates, inKong) => {
  expect(refusing()(true, certificates)[0]?.inKong).toEqual(inKong);
});
