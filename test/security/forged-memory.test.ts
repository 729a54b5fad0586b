import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { ToldFile } from '../../src/alerts/told-file';
import { Holds } from '../../src/holds';
import { readHistory } from '../../src/history';
import type { Change } from '../../src/model';
import { StatusServer } from '../../src/status';
import { pinStatus } from '../../src/status/reloader-view';
import { toJson } from '../../src/common/safe-text';
import { cli } from '../support/cli';
import { testFolder } from '../support/folders';
import { ask } from '../support/http';
import { longestTurn } from '../support/longest-turn';
import { bundle, NOW, stored } from '../support/plans';
import { reportView } from '../support/status-views';

/*
 * Another container of the pod, which may write to Kong's prefix, writes into the files in which this program keeps what
 * it remembers.
 */

/** Most milliseconds for which anything may wait; the rest is for a garbage collection of a busy machine. */
const MOST_MS = 200;

/** An entry as this program writes it. */
const ENTRY = {
  at: '2026-01-02T00:00:00.000Z',
  entry: 'E',
  kind: 'swapped',
  by: 'us',
  certificate_id: 'c1',
  half: 'main',
  snis: ['a.test'],
  location: '/certs/a.crt',
  source: null,
  fingerprint_sha256: 'AA:BB:CC:DD:EE',
  previous_fingerprint_sha256: null,
  not_after: '2026-03-01T00:00:00.000Z',
  reason: null,
  detail: '',
  proof: { verdict: 'served', handshakes: 2, duration_ms: 3 },
};

/** Values that no field has. */
const STRANGE = [
  5,
  -1,
  1e308,
  true,
  null,
  '',
  'strange',
  '__proto__',
  'toString',
  [],
  [[]],
  [null],
  {},
  { a: {} },
];

/** Entries of which one field is something else, or missing. */
const forged = Object.keys(ENTRY).flatMap((field) => [
  ...STRANGE.map((value) => ({ ...ENTRY, [field]: value })),
  Object.fromEntries(Object.entries(ENTRY).filter(([name]) => name !== field)),
]);
const FORGED = [
  ...forged,
  ...STRANGE.map((value) => ({ ...ENTRY, proof: { ...ENTRY.proof, duration_ms: value } })),
  ...STRANGE.map((value) => ({ ...ENTRY, proof: { verdict: value } })),
];

const lines = (entries: readonly unknown[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

describe('the history', () => {
  it('is shown, whatever stands in the fields of a line', async () => {
    const path = join(testFolder(), 'history');
    writeFileSync(path, lines([...FORGED, ENTRY]));
    const { code, stdout, stderr } = await cli('history', '--file', path, '--limit', '10000');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('AA:BB:CC');
    const { entries } = await readHistory([path], { limit: 10_000 });
    expect(entries[0]).toEqual(ENTRY);
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual(Object.keys(ENTRY));
      expect(new Date(entry.at).toISOString()).not.toBe('');
    }
  });

  test.for<[string, () => string]>([
    ['line feeds alone', () => '\n'.repeat(3_000_000)],
    ['lists that begin and never end', () => `${'['.repeat(60_000)}\n`.repeat(60)],
    ['entries with lists that never end', () => `{"at":${'['.repeat(60_000)}\n`.repeat(60)],
    [
      'entries of 60 KiB',
      () => lines(Array.from({ length: 100 }, () => ({ ...ENTRY, detail: 'x'.repeat(60_000) }))),
    ],
  ])('of %s holds up nothing', async ([, textOf]) => {
    const path = join(testFolder(), 'history');
    writeFileSync(path, textOf() + lines([ENTRY]));
    const ms = await longestTurn(async () => {
      const { entries } = await readHistory([path], { limit: 10_000 });
      expect(entries[0]?.snis).toEqual(['a.test']);
    });
    expect(ms).toBeLessThan(MOST_MS);
  });

  it('of large entries makes no larger answer than others, and holds up nothing', async () => {
    const path = join(testFolder(), 'history');
    writeFileSync(
      path,
      lines(Array.from({ length: 1_500 }, () => ({ ...ENTRY, detail: 'x'.repeat(60_000) }))),
    );
    const server = new StatusServer({
      backend: {
        view: () => reportView(),
        poll: () => Promise.resolve([]),
        reload: () => Promise.resolve(null),
        command: () => '',
        history: (query) => readHistory([path], query),
      },
      say: () => undefined,
    });
    onTestFinished(() => server.close());
    const socketPath = join(testFolder(), 'socket');
    await server.listenOnSocket(socketPath);
    let length = 0;
    const ms = await longestTurn(async () => {
      length = (await ask({ socketPath }, '/history?limit=10000')).text.length;
    });
    expect(length).toBeLessThan(20 * 1024 * 1024);
    expect(ms).toBeLessThan(MOST_MS);
  });
});

const update = (name: string): Change => ({
  kind: 'update',
  bundle: bundle(name, { names: [name], age: 0 }),
  certificate: stored('c1', { names: [name], age: 60 }),
  half: 'main',
  isOfController: false,
  addSnis: [],
});

describe('pins and approvals', () => {
  const holdsOf = (text: string) => {
    const path = join(testFolder(), 'holds');
    writeFileSync(path, text);
    return new Holds({ freeze: [], needsApproval: true, path });
  };
  const PIN = { name: 'a.test', until: null, since: NOW };

  test.for(
    [...STRANGE, 1e20, -1e20, 8.64e15 + 1].flatMap((value) =>
      ['name', 'until', 'since', 'isRollback'].map((field) => [field, JSON.stringify(value)] as const),
    ),
  )('a pin whose %s is %s stops no pass and no status', ([field, value]) => {
    const holds = holdsOf(
      `{"pins":[${JSON.stringify({ ...PIN, [field]: 0 }).replace(`"${field}":0`, `"${field}":${value}`)}]}`,
    );
    holds.permits(update('a.test'), NOW);
    toJson(holds.pins(NOW).map(pinStatus));
    holds.pin({ ...PIN, name: 'b.test' });
    expect(holds.permits(update('b.test'), NOW)).toMatchObject({ kind: 'held' });
  });

  it('of which there are as many as fit hold up no pass', async () => {
    const pins = Array.from({ length: 20_000 }, (_, at) => ({ name: `${at}`, until: null, since: 0 }));
    const holds = holdsOf(JSON.stringify({ pins }));
    const changes = Array.from({ length: 2_000 }, (_, at) => update(`${at}.test`));
    const ms = await longestTurn(() => {
      for (const change of changes) holds.permits(change, NOW);
      return Promise.resolve();
    });
    expect(ms).toBeLessThan(MOST_MS);
  });

  it('approvals of which there are as many as fit do not keep a pin from being kept', () => {
    const approved = Object.fromEntries(Array.from({ length: 130_000 }, (_, at) => [at.toString(36), 1]));
    const holds = holdsOf(JSON.stringify({ approved }));
    holds.pin(PIN);
    expect(holds.permits(update('a.test'), NOW)).toMatchObject({ kind: 'held' });
  });

  it('a pin that would make the file too large to be read again is told', () => {
    const holds = holdsOf('{}');
    for (let count = 0; count < 9; count++) holds.pin({ ...PIN, name: `${count}`.repeat(400_000) });
    expect(() => holds.pin({ ...PIN, name: 'x'.repeat(1_200_000) })).toThrow('until this process ends');
  });
});

it('an alert that was told in a time to come is reminded of as one that was told just now', () => {
  const path = join(testFolder(), 'told');
  const condition = {
    ...{ kind: 'expired', topic: 'a', severity: 'critical', since: NOW, labels: {}, facts: {} },
    ...{ link: null, summary: 'a.test has expired', description: '' },
  };
  writeFileSync(path, JSON.stringify([{ id: 'expired a', toldAt: Date.parse('9998-01-01'), condition }]));
  const told = new ToldFile(path).load().get('expired a');
  expect(told?.condition.topic).toBe('a');
  expect(told?.toldAt).toBeLessThanOrEqual(Date.now());
});
