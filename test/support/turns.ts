import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds, counted in turns of the event loop: on a busy machine, too, whoever looks in between gets an answer.
 */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await sleep(1);
}
