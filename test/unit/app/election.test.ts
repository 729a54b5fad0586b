import { expect, it, onTestFinished } from 'vitest';
import type { Connection } from '../../../src/app/connection';
import { createElection } from '../../../src/app/election';
import { completeConfig } from '../../../src/app/config';
import { SERVICE_ACCOUNT } from '../../../src/kubernetes';
import { eventually } from '../../support/eventually';

function elect(config: object, sharesDatabase = true) {
  const lines: string[] = [];
  const log = (level: string, message: string) => void lines.push(`${level} ${message}`);
  const kong = { gateway: { traits: { sharesDatabase } } } as Connection;
  const election = createElection(completeConfig(config), kong, { log }, 'E', () => undefined);
  onTestFinished(() => election?.stop());
  return { election, lines };
}

const enabled = { leader_election: { enabled: true } };

it('there is no election unless it is asked for, and whoever only observes takes no part', () => {
  expect(elect({})).toEqual({ election: null, lines: [] });
  expect(elect({ ...enabled, mode: 'observe' })).toEqual({ election: null, lines: [] });
});

it('without a database it is ignored with a warning', () => {
  expect(elect(enabled, false)).toEqual({
    election: null,
    lines: ['warn leader_election is ignored'],
  });
});

it('outside of a cluster nobody leads, and the error says what is missing', async () => {
  const { election, lines } = elect(enabled);
  election?.start();
  const error = await eventually('it says so', () => election?.status.error);
  expect(error).toContain('the Lease cannot be acquired, so this gateway writes nothing');
  expect(error).toContain(SERVICE_ACCOUNT);
  expect(election?.isLeader).toBe(false);
  expect(lines).toEqual(['error the Lease cannot be acquired']);
});
