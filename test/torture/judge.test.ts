import { describe, expect, it } from 'vitest';
import { CHARGES, judge, type Charge, type Evidence, type Look } from './judge';

const look = (from: number, fingerprint: string | null, error: string | null = null, name = 'a'): Look => ({
  ...{ name, from, fingerprint, error },
  to: from + 10,
});

/** Two renewals of `a`, seen one after the other, and nothing else. */
const clean: Evidence = {
  watched: ['a'],
  versions: [
    { name: 'a', fingerprint: 'first', number: 1 },
    { name: 'a', fingerprint: 'second', number: 2 },
    { name: 'a', fingerprint: 'expired', number: 3, flaw: 'expired' },
    { name: 'b', fingerprint: 'of b', number: 4 },
    { name: 'a', fingerprint: 'broken', number: 5, flaw: 'broken' },
  ],
  handshakes: [look(0, 'first'), look(20, 'first'), look(100, 'second'), look(120, 'second')],
  requests: [look(0, null), look(100, null)],
  downtimes: [],
  stepsBack: [],
  before: { 'consumers/1': '{}', 'certificates/1': '{"tags":["by-hand"]}' },
  after: { 'consumers/1': '{}', 'certificates/1': '{"tags":["by-hand"]}' },
  changedByOthers: {},
  notRecovered: [],
  unsaid: [],
  crashes: 0,
  leftBehind: [],
  repeated: [],
  leaks: 0,
  lagMs: 0,
  hearings: {},
};

/** Two workers have heard of the first change of `a`, and of further ones at these times. */
const heard = (one: readonly number[], other: readonly number[], otherBegan = -1000) => ({
  hearings: {
    a: [
      ...[-20, ...one].map((at) => ({ id: 'A', worker: '1', began: -1000, at })),
      ...[-10, ...other].map((at) => ({ id: 'A', worker: '2', began: otherBegan, at })),
    ],
  },
});

const charges = (more: Partial<Evidence>): Charge[] =>
  judge({ ...clean, ...more }).map(({ charge }) => charge);

const seen = (...more: Look[]) => ({ handshakes: [...clean.handshakes, ...more] });

describe('the judge', () => {
  const guilty: [what: string, charge: Charge, evidence: Partial<Evidence>][] = [
    ['a certificate that nobody issued', 'wrong', seen(look(200, 'unknown'))],
    ['the certificate of another name', 'wrong', seen(look(200, 'of b'))],
    ['the older certificate after the newer one', 'older', seen(look(200, 'first'))],
    ['an expired certificate', 'expired', seen(look(200, 'expired'))],
    ['a certificate that should have been refused', 'broken', seen(look(200, 'broken'))],
    ['a handshake that failed', 'failed handshake', seen(look(200, null, 'reset'))],
    ['a request that was cut off', 'dropped request', { requests: [look(200, null, 'closed')] }],
    ['an entity that is gone', 'lost', { after: { 'consumers/1': '{}' } }],
    ['tags that are gone', 'changed', { after: { ...clean.after, 'certificates/1': '{}' } }],
    ['an entity that nobody made', 'changed', { after: { ...clean.after, 'consumers/2': '{}' } }],
    [
      "an entity that is back after somebody's removal",
      'changed',
      { changedByOthers: { 'consumers/1': null } },
    ],
    ['a change of somebody that is gone', 'lost', { changedByOthers: { 'consumers/3': '{}' } }],
    ['a renewal that was never served', 'not recovered', { notRecovered: ['a'] }],
    ['a trouble that the status never told', 'unsaid', { unsaid: ['Kong is away'] }],
    ['a process that ended', 'crashed', { crashes: 1 }],
    ['a private key in the log', 'leaked', { leaks: 1 }],
    ['a draft that a killed process left', 'left behind', { leftBehind: ['kong.yml.a1b2'] }],
    ['a write that was made again', 'written twice', { repeated: ['PATCH /certificates/1'] }],
    ['a watch that saw nothing', 'unwatched', { handshakes: [] }],
    [
      'an older certificate where Kong only went back to a newer one',
      'older',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 150, to: 160, number: 2 }] },
    ],
    [
      'an older certificate after a step back that was over before the newer one came',
      'older',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 30, to: 40, number: 1 }] },
    ],
    [
      'an older certificate after a step back that was over when the newer one was seen again',
      'older',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 105, to: 106, number: 1 }] },
    ],
    [
      'an older certificate before a step back',
      'older',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 300, to: 310, number: 1 }] },
    ],
    [
      'an older certificate where another name went back',
      'older',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 150, to: 160, name: 'b', number: 1 }] },
    ],
    [
      'an older certificate however the looks are ordered',
      'older',
      { handshakes: [look(200, 'first'), look(100, 'second')] },
    ],
    [
      'an older certificate though all workers have heard of the change',
      'older',
      { ...seen(look(200, 'first')), ...heard([90], [199]) },
    ],
    [
      'an older certificate where a worker never hears of the change',
      'older',
      { ...seen(look(200, 'first')), ...heard([90], []) },
    ],
    [
      'an older certificate where a worker hears of another change later',
      'older',
      { ...seen(look(200, 'first')), ...heard([90, 300], [95, 310]) },
    ],
    [
      'an older certificate from a worker that began after the change',
      'older',
      { ...seen(look(200, 'first')), ...heard([90, 300], [310], 150) },
    ],
    [
      'an older certificate where a worker hears of a change of another name late',
      'older',
      { ...seen(look(200, 'first')), hearings: { b: heard([90], [250]).hearings.a } },
    ],
    [
      'a handshake that failed before Kong went down',
      'failed handshake',
      { ...seen(look(200, null, 'reset')), downtimes: [{ from: 250, to: 290 }] },
    ],
    [
      'a handshake that failed after Kong was up again',
      'failed handshake',
      { ...seen(look(200, null, 'reset')), downtimes: [{ from: 150, to: 190 }] },
    ],
  ];
  it('has a case for each charge', () => {
    expect(new Set(guilty.map(([, charge]) => charge))).toEqual(new Set(CHARGES));
  });

  it.for(guilty)('charges %s', ([, charge, evidence]) => {
    expect(charges(evidence)).toEqual([charge]);
  });

  const innocent: [what: string, evidence: Partial<Evidence>][] = [
    ['renewals that are served one after the other', {}],
    [
      'the older certificate in a handshake that began before the newer one was seen',
      seen(look(105, 'first')),
    ],
    [
      'the older certificate after another writer put it there',
      { ...seen(look(200, 'first')), stepsBack: [{ from: 150, to: 160, name: 'a', number: 1 }] },
    ],
    ['the certificate of another name in a handshake for that name', seen(look(200, 'of b', null, 'b'))],
    [
      'the older certificate from a worker that hears of the change later',
      { ...seen(look(200, 'first'), look(260, 'second')), ...heard([90], [250]) },
    ],
    ['the older certificate from a worker that follows late', { ...seen(look(140, 'first')), lagMs: 50 }],
    [
      'what fails while Kong is down',
      {
        ...seen(look(200, null, 'refused')),
        requests: [look(200, null, 'closed')],
        downtimes: [{ from: 150, to: 201 }],
      },
    ],
    [
      'changes that others made',
      {
        after: { 'consumers/2': '{}', 'certificates/1': '{"tags":[]}' },
        changedByOthers: { 'consumers/1': null, 'consumers/2': '{}', 'certificates/1': '{"tags":[]}' },
      },
    ],
  ];
  it.for(innocent)('lets pass: %s', ([, evidence]) => {
    expect(charges(evidence)).toEqual([]);
  });
});
