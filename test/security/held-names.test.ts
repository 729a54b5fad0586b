import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Holds } from '../../src/holds';
import type { Change } from '../../src/model';
import { testFolder } from '../support/folders';
import { bundle, NOW, stored, tenant } from '../support/plans';

/*
 * An operator pins or approves names. What a change does to a name counts, not which certificate has it before: names are
 * added, move from one certificate to another, and are handed over to an ingress controller.
 */

const BANK = 'bank.test';
const evil = tenant('evil/www', { names: ['evil.test', BANK], age: 0 });
const its = stored('evil', { names: ['evil.test', BANK], snis: ['evil.test'], age: 60 });

const common = { half: 'main', isOfController: false, addSnis: [] as string[] } as const;
const update = (more: Partial<Change & { kind: 'update' }> = {}): Change => ({
  ...{ kind: 'update', bundle: evil, certificate: its, ...common },
  ...more,
});
const create = (more: Partial<Change & { kind: 'create' }> = {}): Change => ({
  ...{ kind: 'create', bundle: evil, id: 'new', snis: [] },
  ...more,
});
const moveSnis = [{ name: BANK, from: 'bank' }];

const holdsIn = (path: string, needsApproval = false) => new Holds({ freeze: [], needsApproval, path });
const holdOf = (holds: Holds, change: Change) => {
  const permission = holds.permits(change, NOW);
  return permission.kind === 'held' ? permission.hold.kind : 'free';
};

describe.each<[way: string, change: Change]>([
  ['is added to the certificate of another', update({ addSnis: [BANK] })],
  ['moves to the certificate of another', update({ moveSnis })],
  ['moves to a new certificate', create({ moveSnis })],
  ['is handed over to a certificate of the ingress controller', create({ moveSnis, handsOver: true })],
  ['gets a new certificate', create({ snis: [BANK] })],
])('a name that %s', (_way, change) => {
  it('stays where it is while it is pinned', () => {
    const holds = holdsIn(join(testFolder(), 'holds'));
    expect(holdOf(holds, change)).toBe('free');
    holds.pin({ name: BANK, until: null, since: NOW });
    expect(holdOf(holds, change)).toBe('pinned');
  });

  it('waits for its own approval, though the same certificate was approved for another name', () => {
    const holds = holdsIn(join(testFolder(), 'holds'), true);
    expect(holds.approve([update()], 'evil.test', NOW)).toHaveLength(1);
    expect(holdOf(holds, update())).toBe('free');
    expect(holdOf(holds, change)).toBe('approval');
    expect(holds.approve([change], BANK, NOW)).toEqual([change]);
    expect(holdOf(holds, change)).toBe('free');
  });
});

it('a certificate that is pinned by its id loses no name', () => {
  const holds = holdsIn(join(testFolder(), 'holds'));
  holds.pin({ name: 'bank', until: null, since: NOW });
  expect(holdOf(holds, create({ moveSnis }))).toBe('pinned');
});

it('approvals without end cost no pin', () => {
  const path = join(testFolder(), 'holds');
  const holds = holdsIn(path, true);
  holds.pin({ name: BANK, until: null, since: NOW });
  const chain = `${'c'.repeat(43)}.`.repeat(20);
  const renewals = Array.from({ length: 20_000 }, (_, index) =>
    update({
      bundle: bundle('www', { names: ['www.test'], chain: `${chain}${index}` }),
      certificate: stored('www', { names: ['www.test'] }),
    }),
  );
  holds.approve(renewals, 'www.test', NOW);
  expect(statSync(path).size).toBeLessThan(4 * 1024 * 1024);
  expect(holdsIn(path).pins(NOW)).toMatchObject([{ name: BANK }]);
});
