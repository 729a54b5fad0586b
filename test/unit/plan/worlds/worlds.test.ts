import { it } from 'vitest';
import { runWorld } from './run';

/** More by hand: WORLDS=100000, from WORLDS_FROM on. */
const COUNT = Number(process.env['WORLDS'] ?? 1000);
const FROM = Number(process.env['WORLDS_FROM'] ?? 1);

it(
  `in ${COUNT} random worlds with an evil tenant every name stays with whom it belongs to`,
  { timeout: 3_600_000 },
  () => {
    for (let seed = FROM; seed < FROM + COUNT; seed++) runWorld(seed);
  },
);
