import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { standardOutput, type Output } from '../../../src/cli/output';
import { issue, secretsIn } from '../../support/bundles';

const { key } = issue();
const SENTENCE = `${key} was refused by https://kong:s3cr3t@127.0.0.1:8001`;

test.for<[string, (output: Output) => void]>([
  ['for people', (output) => output.print(SENTENCE)],
  ['as JSON', (output) => output.json({ events: [{ detail: SENTENCE }] })],
  ['as JSON, a line each', (output) => output.line({ events: [{ detail: SENTENCE }] })],
])('a command prints no key and no password %s, whatever it was told', ([, say]) => {
  const stream = new PassThrough();
  say(standardOutput(stream as unknown as NodeJS.WriteStream));
  const text = String(stream.read());
  expect(text).toContain('[private key removed]');
  for (const secret of [...secretsIn(key), 's3cr3t']) expect(text).not.toContain(secret);
});
