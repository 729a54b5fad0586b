import { expect, it, onTestFinished } from 'vitest';
import { Alerting, type AlertingOptions, type Observed } from '../../../src/alerts';
import type { CertificateStatus } from '../../../src/public';
import { eventually } from '../../support/eventually';
import { startReceiver } from '../../support/receiver';
import { certificate, DAY_MS, iso, NOW, reloader } from '../../support/statuses';

const REFUSED: Partial<CertificateStatus> = {
  state: 'refused',
  refusal: { reason: 'key_mismatch', message: 'the key is another', at: iso(NOW), is_standing: true },
};

const observed = (more: Partial<CertificateStatus> = {}, rest: Partial<Observed> = {}): Observed => ({
  entry: 'e1',
  status: reloader({ certificates: [certificate(more)] }),
  trouble: null,
  ...rest,
});

/** Looks at what the test says, at its time, and tells a receiver. */
async function alerting(settings: Partial<AlertingOptions['settings']> = {}) {
  const receiver = await startReceiver();
  const said: string[] = [];
  let time = NOW;
  const options: AlertingOptions = {
    entry: 'e1',
    settings: {
      webhook: receiver.url,
      format: 'json',
      headers: [],
      allow_http: false,
      reminder_days: 1,
      grace: 120,
      ...settings,
    },
    warningDays: [30, 14, 7, 1],
    takeoverGrace: 60,
    say: (_, message) => said.push(message),
    instance: 'kong-1',
    now: () => time,
  };
  const told = new Alerting(options);
  onTestFinished(() => told.close());
  let revision = 0;
  const look = (what: Observed, afterMs = 0) => {
    time += afterMs;
    return told.look(String(revision++), () => what);
  };
  const names = () =>
    receiver.received.flatMap(({ body }) =>
      (body as { alerts: { status: string; kind: string }[] }).alerts.map(
        ({ status, kind }) => `${status} ${kind}`,
      ),
    );
  const tells = (...expected: string[]) =>
    eventually(
      `it tells ${expected.join()} and not ${names().join()}`,
      () => names().join() === expected.join(),
    );
  return { told, options, look, tells, names, receiver, said, passes: (ms: number) => void (time += ms) };
}

it('a refused renewal is told, and that it is over', async () => {
  const { look, tells } = await alerting();
  await look(observed());
  await look(observed(REFUSED));
  await tells('firing refused');
  await look(observed(REFUSED));
  await look(observed());
  await tells('firing refused', 'resolved refused');
});

it('an unchanged status is checked only once a minute', async () => {
  const { told, passes } = await alerting();
  let looks = 0;
  const observe = () => {
    looks += 1;
    return observed();
  };
  for (let second = 0; second < 10; second++) await told.look('1', observe);
  expect(looks).toBe(1);
  passes(60_000);
  await told.look('1', observe);
  expect(looks).toBe(2);
});

it('a trouble that often mends itself is told only after its grace, and is checked again then', async () => {
  const { told, passes, tells, receiver } = await alerting({ grace: 10 });
  const what = observed({ state: 'not_served', since: iso(NOW) });
  await told.look('1', () => what);
  passes(9_999);
  await told.look('1', () => what);
  expect(receiver.received).toEqual([]);
  passes(1);
  await told.look('1', () => what);
  await tells('firing not_served');
});

it('while Kong is away open alerts stay open, and its absence is an alert', async () => {
  const { look, tells } = await alerting();
  await look(observed(REFUSED));
  await tells('firing refused');
  await look({ entry: 'e1', status: null, trouble: { message: 'connection refused', since: NOW - DAY_MS } });
  await tells('firing refused', 'firing passes_failing');
  await look(observed(REFUSED));
  await tells('firing refused', 'firing passes_failing', 'resolved passes_failing');
});

it('another configuration does not tell again what was told', async () => {
  const { told, options, look, tells, names } = await alerting();
  const trouble = { message: 'Kong is away', since: NOW - DAY_MS };
  await look(observed(REFUSED));
  await tells('firing refused');
  // Alerts are sent one after the other: once the second is there, the first was answered. What is not may be told again.
  await look(observed(REFUSED, { trouble }));
  await tells('firing refused', 'firing passes_failing');
  told.reconfigure({ ...options, settings: { ...options.settings, reminder_days: 2 } });
  await look(observed(REFUSED, { trouble }));
  await look(observed());
  await eventually('it is told that it is over', () => names().includes('resolved refused'));
  expect(names().filter((name) => name === 'firing refused')).toHaveLength(1);
});

it('a webhook that is away is logged once, and gets everything when it is back', async () => {
  const { look, said, tells, receiver } = await alerting();
  receiver.server.closeAllConnections();
  const port = Number(new URL(receiver.url).port);
  await new Promise((closed) => receiver.server.close(closed));
  await look(observed(REFUSED));
  await eventually('it is said', () => said.length > 0);
  expect(said).toEqual(['alerts cannot be delivered; they are tried again']);
  await new Promise<void>((listening) => receiver.server.listen(port, '127.0.0.1', listening));
  await tells('firing refused');
  await eventually('it is said', () => said.at(-1) === 'alerts are delivered again');
});

it('Alertmanager is told again every five minutes, whatever the reminders are', async () => {
  const { look, receiver } = await alerting({ format: 'alertmanager', reminder_days: 0 });
  await look(observed(REFUSED));
  await eventually('it is told', () => receiver.received.length === 1);
  await look(observed(REFUSED), 299_999);
  await look(observed(REFUSED), 1);
  await eventually('it is told again', () => receiver.received.length === 2);
  expect(receiver.received.map(({ path }) => path)).toEqual(['/api/v2/alerts', '/api/v2/alerts']);
});

it('the event loop stays free while thousands of certificates are checked, and a second look waits', async () => {
  const { told } = await alerting();
  const status = reloader({ certificates: Array.from({ length: 20_000 }, () => certificate()) });
  const looking = told.look('1', () => observed({}, { status }));
  const progress = { isOver: false };
  void looking.then(() => (progress.isOver = true));
  let turns = 0;
  while (!progress.isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  expect(turns).toBeGreaterThan(2);
  let looks = 0;
  const observe = () => {
    looks += 1;
    return observed({}, { status });
  };
  await Promise.all([told.look('2', observe), told.look('3', observe)]);
  expect(looks).toBe(1);
});
