import { expect, it } from 'vitest';
import { optimiseFor } from '../../../src/common/v8';

it.for<[items: number, execArgv: string[], flags: string[]]>([
  [2_001, ['--no-opt', '--expose-gc'], ['--opt']],
  [2_000, ['--no-opt', '--expose-gc'], []],
  [2_001, [], []],
])('for %d items, started with %o, V8 gets %o', ([items, execArgv, flags]) => {
  const got: string[] = [];
  optimiseFor(items, execArgv, (flag) => got.push(flag));
  expect(got).toEqual(flags);
});
