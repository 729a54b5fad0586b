import { expect, it } from 'vitest';
import { refusal, type PassReport } from '../../../src/model';
import { EventReporter } from '../../../src/report';
import { issue, secretsIn } from '../../support/bundles';

const { key } = issue();
const message = `${key} of https://kong:s3cr3t@127.0.0.1:8001 is not its key`;
const why = refusal('key_mismatch', message);

const refusing = (name: string, namespace = 'web') =>
  ({
    events: [
      {
        bundle: 'b',
        location: `${namespace}/${name}`,
        fingerprint: null,
        notAfter: null,
        snis: [],
        secret: { uid: name, namespace, name },
        outcome: { kind: 'refused', refusal: why },
      },
    ],
  }) as unknown as PassReport;

it('an Event on a Secret holds no key and no password, whatever the refusal says', () => {
  const posted: object[] = [];
  const reporter = new EventReporter(
    (_, event) => {
      posted.push(event);
      return Promise.resolve();
    },
    { log: () => undefined },
  );
  reporter.pass(refusing('www'));
  expect(posted).toHaveLength(1);
  const shown = JSON.stringify(posted);
  expect(shown).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(shown).not.toContain(secret);
});

it('a failure pauses Events and is said once; they go on by themselves', async () => {
  let now = 0;
  let tried = 0;
  let isAway = true;
  const said: unknown[] = [];
  const reporter = new EventReporter(
    () => {
      tried += 1;
      return isAway ? Promise.reject(new Error('the API server is away')) : Promise.resolve();
    },
    { log: (...line) => said.push(line) },
    () => now,
  );
  const tell = async (name: string) => {
    reporter.pass(refusing(name));
    await new Promise((resolve) => setImmediate(resolve));
  };
  await tell('a');
  await tell('b');
  expect(tried).toBe(1);
  now += 10 * 60_000;
  await tell('c');
  expect(tried).toBe(2);
  expect(said).toEqual([
    ['info', 'Events are not written to the cluster', { detail: 'the API server is away' }],
  ]);
  isAway = false;
  now += 10 * 60_000;
  await tell('d');
  await tell('e');
  expect(tried).toBe(4);
});

it('a namespace that has much to be told, or takes no Events, silences no other', async () => {
  const posted: string[] = [];
  const reporter = new EventReporter(
    (namespace) => {
      posted.push(namespace);
      return namespace === 'ending' ? Promise.reject(new Error('it is being terminated')) : Promise.resolve();
    },
    { log: () => undefined },
    () => 0,
  );
  for (let at = 0; at < 1_000; at++) reporter.pass(refusing(`s${at}`, 'loud'));
  reporter.pass(refusing('www', 'ending'));
  await new Promise((resolve) => setImmediate(resolve));
  reporter.pass(refusing('api', 'ending'));
  reporter.pass(refusing('site', 'quiet'));
  expect(posted.filter((namespace) => namespace === 'loud').length).toBeLessThan(30);
  expect(posted.filter((namespace) => namespace !== 'loud')).toEqual(['ending', 'quiet']);
});
