import { expect, it } from 'vitest';
import { untilSettled } from '../../../src/cli/passes';
import type { FailureKind, PassReport } from '../../../src/model';
import { Passes } from '../../../src/pass';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const swapped = { kind: 'swapped', certificate: 'K', how: 'swapped', proof: null } as const;
const event = (outcome: PassReport['events'][number]['outcome']) => ({
  ...{ bundle: 'b', location: '/certs/www', fingerprint: null, notAfter: null, snis: [], outcome },
});
const failing = (failure: FailureKind): Partial<PassReport> => ({
  unfinished: 'failed',
  failures: [failure],
  events: [event({ kind: 'failed', certificate: 'K', error: failure, failure })],
});
const waiting = (ms: number): Partial<PassReport> => ({
  waiting: [
    {
      certificate: 'K',
      location: '/certs/www',
      snis: [],
      fingerprint: '',
      notAfter: 0,
      until: NOW + ms,
    },
  ],
});

/** Runs passes that end as they are told, the last one again and again. */
async function run(endings: Partial<PassReport>[], isWaiting = false) {
  const empty = await new Passes({ steps: [], observe: false }).run('command');
  const causes: string[] = [];
  let now = NOW;
  const clock = {
    now: () => now,
    wait: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
  };
  const report = await untilSettled(
    (cause) => {
      causes.push(cause);
      const ending = endings[Math.min(causes.length, endings.length) - 1];
      return Promise.resolve({ ...empty, events: [], ...ending });
    },
    isWaiting,
    clock,
  );
  return { report, passes: causes.length, tookMs: now - NOW };
}

it('one pass will do where nothing is left', async () => {
  expect(await run([{ events: [event(swapped)] }])).toMatchObject({ passes: 1, tookMs: 0 });
});

it('a run that met the write of another one tries again, and a write that succeeds in the end counts as made', async () => {
  const { report, passes } = await run([
    failing('conflict'),
    failing('conflict'),
    { events: [event(swapped)] },
  ]);
  expect(passes).toBe(3);
  expect(report.unfinished).toBe('no');
  expect(report.events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
});

it.for([
  ['conflict', 60_000],
  ['away', 10_000],
] as const)('tries end after a while (%s), and the failure is told', async ([failure, mostMs]) => {
  const { report, passes, tookMs } = await run([failing(failure), { ...failing(failure), events: [] }]);
  expect(passes).toBeGreaterThan(2);
  expect(tookMs).toBeLessThan(mostMs + 5_000);
  expect(report.unfinished).toBe('failed');
  expect(report.events.map(({ outcome }) => outcome.kind)).toEqual(['failed']);
});

it.for(['forbidden', 'mistake'] as const)('what is %s is not tried again', async (failure) => {
  expect((await run([failing(failure)])).passes).toBe(1);
});

it('a certificate that is left to the ingress controller is waited for where that is wanted', async () => {
  const left = waiting(60_000);
  expect(await run([left, { events: [event(swapped)] }], false)).toMatchObject({ passes: 1, tookMs: 0 });
  const waited = await run([left, { events: [event(swapped)] }], true);
  expect(waited).toMatchObject({ passes: 2, report: { waiting: [], events: [{ outcome: swapped }] } });
  expect(waited.tookMs).toBeGreaterThanOrEqual(60_000);
});

it("goes on while passes read what was beyond a tenant's share, and not for ever", async () => {
  const reading: Partial<PassReport> = { unfinished: 'settling', read: 200, nextAt: NOW };
  const { report, passes } = await run([...Array.from({ length: 20 }, () => reading), {}]);
  expect([passes, report.unfinished, report.read]).toEqual([21, 'no', 4_000]);
  expect((await run([reading])).passes).toBeLessThan(100);
});
