import { expect, test } from 'vitest';
import { isLoopback } from '../../../src/common/loopback';

test.for([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['[::1]', true],
  ['127.example.test', false],
  ['127.0.0.1.example.test', false],
  ['localhost.example.test', false],
  ['10.0.0.1', false],
  ['::2', false],
] as const)('%s is this machine: %s', ([host, expected]) => {
  expect(isLoopback(host)).toBe(expected);
});
