import { expect, it, onTestFinished } from 'vitest';
import { AlertDesk } from '../../../src/app/alert-desk';
import { completeConfig } from '../../../src/app/config';
import type { CertificateStatus, ReloaderStatus } from '../../../src/public';
import type { ReloaderView } from '../../../src/status';
import { eventually } from '../../support/eventually';
import { startReceiver } from '../../support/receiver';
import { certificate, iso, NOW, reloader } from '../../support/statuses';

const REFUSED = certificate({
  state: 'refused',
  refusal: { reason: 'key_mismatch', message: 'the key is another', at: iso(NOW), is_standing: true },
});

/** A desk whose time and reloader are the test's. */
async function desk() {
  const receiver = await startReceiver();
  let time = NOW;
  const desk = new AlertDesk({ log: () => undefined }, () => time);
  onTestFinished(() => desk.close());
  const config = (more: object = {}) =>
    completeConfig({ alerts: { webhook: receiver.url, grace: 10 }, ...more });
  let revision = 0;
  const running = (
    certificates: CertificateStatus[],
    {
      config: own = config(),
      startedAt = NOW - 1,
      isAsking = false,
      ...status
    }: Partial<ReloaderStatus> &
      Partial<{ config: ReturnType<typeof config>; startedAt: number; isAsking: boolean }> = {},
  ) => {
    const view = { ...reloader(status), certificates: () => certificates, revision: String(revision++) };
    return [
      ['e1', { config: own, startedAt, reloader: { view: () => view as unknown as ReloaderView, isAsking } }],
    ] as const;
  };
  const told = () =>
    receiver.received.flatMap(({ body }) =>
      (body as { alerts: { status: string; kind: string }[] }).alerts.map(
        ({ status, kind }) => `${status} ${kind}`,
      ),
    );
  const tells = (...expected: string[]) =>
    eventually(
      `it tells ${expected.join()} and not ${told().join()}`,
      () => told().join() === expected.join(),
    );
  return { desk, config, running, tells, told, passes: (ms: number) => void (time += ms) };
}

it('tells what is wrong, once, also when the reloader is started anew', async () => {
  const { desk: it, running, tells } = await desk();
  await it.look(running([REFUSED]));
  await tells('firing refused');
  // Reconfigured: it knows of nothing until its first pass.
  await it.look(running([], { startedAt: NOW + 1, is_current: false }));
  await it.look(running([REFUSED], { startedAt: NOW }));
  await it.look(running([certificate()]));
  await tells('firing refused', 'resolved refused');
});

it('nothing is told while it is being asked when renewals are due', async () => {
  const { desk: it, running, tells } = await desk();
  await it.look(running([REFUSED, { ...REFUSED, certificate_id: 'other' }], { isAsking: true }));
  await it.look(running([REFUSED]));
  await tells('firing refused');
});

it('without a webhook nothing is told, and nothing is looked at', async () => {
  const { desk: it, running, config, told } = await desk();
  await it.look(running([REFUSED], { config: config({ alerts: {} }) }));
  expect(told()).toEqual([]);
});

it('passes that fail are told after the grace, and that they are made again', async () => {
  const { desk: it, running, tells, passes } = await desk();
  await it.look(running([certificate()]));
  const last_pass = {
    cause: 'poll',
    started_at: iso(NOW),
    duration_ms: 0,
    error: 'connection refused',
  } as const;
  await it.look(running([certificate()], { last_pass }));
  passes(10_000);
  await it.look(running([certificate()], { last_pass }));
  await tells('firing passes_failing');
  await it.look(running([certificate()]));
  await tells('firing passes_failing', 'resolved passes_failing');
});

it('a Kong that is away is told though no reloader runs, and refusals stay open', async () => {
  const { desk: it, running, tells, passes } = await desk();
  await it.look(running([REFUSED]));
  await tells('firing refused');
  await it.away('connection refused', new Map());
  passes(10_000);
  await it.away('connection refused', new Map());
  await tells('firing refused', 'firing passes_failing');
});

it('a certificate that ends while Kong is away is told, and nothing is over because nobody can look', async () => {
  const { desk: it, running, tells, passes } = await desk();
  const soon = certificate({ certificate_id: 'c2', source: null, state: 'no_source' }, 0.01, 365);
  await it.look(running([REFUSED, soon]));
  await tells('firing refused', 'firing expiring');
  const known = new Map(running([REFUSED, soon], { is_current: false }));
  passes(1_000_000);
  await it.away('connection refused', known);
  await tells('firing refused', 'firing expiring', 'firing expired');
  passes(10_000);
  await it.away('connection refused', known);
  await tells('firing refused', 'firing expiring', 'firing expired', 'firing passes_failing');
});

it('another webhook gets the messages that nobody took', async () => {
  const { desk: it, running, config, tells } = await desk();
  const nobody = config({ alerts: { webhook: 'http://127.0.0.1:1/' } });
  await it.look(running([REFUSED], { config: nobody }));
  await it.look(running([REFUSED]));
  await tells('firing refused');
});

it('an entry that is gone is not told of any more', async () => {
  const { desk: it, running, tells, told } = await desk();
  await it.look(running([REFUSED]));
  await tells('firing refused');
  it.forget('e1');
  await it.away('connection refused', new Map());
  expect(told()).toEqual(['firing refused']);
});

it('a mistake in one entry costs its alerts and nothing else', async () => {
  const { desk: it, running, tells } = await desk();
  const broken = [
    [
      'e0',
      {
        config: running([])[0][1].config,
        startedAt: 0,
        reloader: { view: () => null as never, isAsking: false },
      },
    ],
  ] as const;
  await it.look([...broken, ...running([REFUSED])]);
  await tells('firing refused');
});

it('tells of a configuration that cannot be used once it has lasted, and when it is mended', async () => {
  const { desk: it, running, tells, told, passes } = await desk();
  await it.look(running([certificate()]), 'sources[0].path: there is no such folder');
  passes(5_000);
  await it.look(running([certificate()]), 'sources[0].path: there is no such folder');
  expect(told()).toEqual([]);
  passes(6_000);
  await it.look(running([certificate()]), 'sources[0].path: there is no such folder');
  await tells('firing configuration');
  // Kong is away: nobody can look.
  await it.away('Kong does not answer', new Map());
  await it.look(running([certificate()]));
  await tells('firing configuration', 'resolved configuration');
});

it('tells of files that Kong has not read once that has lasted, though nobody knows since when', async () => {
  const { desk: it, running, tells, told, passes } = await desk();
  const outdated = {
    default_certificate: {
      state: 'reload_pending' as const,
      files: [],
      reloaded_at: null,
      detail: 'the files hold another one',
    },
  };
  await it.look(running([certificate()], outdated));
  passes(9_000);
  await it.look(running([certificate()], outdated));
  expect(told()).toEqual([]);
  passes(2_000);
  await it.look(running([certificate()], outdated));
  await tells('firing reload_pending');
});
