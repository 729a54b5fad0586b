import { expect, it } from 'vitest';
import { refusal } from '../../../src/model';
import { Findings } from '../../../src/pass/findings';
import { bundle, NOW } from '../../support/plans';

const known = bundle('www', { names: ['www.test'] });
const why = refusal('older_than_stored', 'it is older');

function refusing(isThere = () => true) {
  const found = new Findings(() => NOW);
  const bundles = { get: () => (isThere() ? known : null) };
  return (refused: boolean, isInKong = true) => {
    found.refusals(new Map(refused ? [['www', why]] : []), bundles, () => isInKong);
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

it('says whether Kong has an earlier certificate in its place', () => {
  expect(refusing()(true, false)).toMatchObject([{ isInKong: false }]);
  expect(refusing()(true, true)).toMatchObject([{ isInKong: true }]);
});
