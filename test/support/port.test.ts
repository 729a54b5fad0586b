import { expect, it } from 'vitest';
import { FIRST, LAST } from './port';

it('fetch refuses no port that a test may get', async () => {
  const notSent = new Error('it would have been sent');
  const dispatcher = {
    dispatch: () => {
      throw notSent;
    },
  };
  const refused: number[] = [];
  for (let port = FIRST; port < LAST; port++) {
    const init = { dispatcher } as unknown as RequestInit;
    const error = await fetch(`http://127.0.0.1:${port}`, init).catch((thrown: unknown) => thrown as Error);
    if ((error as Error).cause !== notSent) refused.push(port);
  }
  expect(refused).toEqual([]);
});
