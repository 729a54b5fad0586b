import { expect, test } from 'vitest';
import { Failure, FAILURE_KINDS, failureKindOf, type FailureKind } from '../../../src/model';

const system = (code: string) => Object.assign(new Error(code), { code });

test.for(Object.keys(FAILURE_KINDS) as FailureKind[])('an error that says %s is of that kind', (kind) => {
  expect(failureKindOf(new Failure(kind, 'why'))).toBe(kind);
});

test.for<[what: string, error: unknown, kind: FailureKind]>([
  ['no file descriptors', system('EMFILE'), 'away'],
  ['a full disk', system('ENOSPC'), 'away'],
  ['a refused connection', system('ECONNREFUSED'), 'away'],
  ['a lack of rights', system('EACCES'), 'forbidden'],
  ['a read-only file system', system('EROFS'), 'forbidden'],
  ['an error that wraps another', new Error('x', { cause: new Failure('conflict', 'y') }), 'conflict'],
  ['an error of the program', new TypeError('x is not a function'), 'mistake'],
  ['a kind that does not exist', Object.assign(new Error('x'), { failureKind: 'toString' }), 'mistake'],
  ['something that is not an error', 'a text', 'mistake'],
  ['nothing', undefined, 'mistake'],
])('%s has its kind', ([, error, kind]) => {
  expect(failureKindOf(error)).toBe(kind);
});

test('the nearest kind counts, not that of the cause', () => {
  const error = new Failure('refused', 'x', { cause: system('ECONNREFUSED') });
  expect(failureKindOf(error)).toBe('refused');
});

test('causes that form a ring end', () => {
  const error = new Error('x');
  error.cause = error;
  expect(failureKindOf(error)).toBe('mistake');
});
