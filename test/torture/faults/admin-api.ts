import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '../../../src/public';
import {
  answer,
  cutAnswer,
  garbage,
  isWrite,
  loseAnswer,
  pass,
  reset,
  slow,
  type Misdeed,
} from '../admin-proxy';
import type { Fault, FaultTable } from '../fault';
import { certificateId } from '../kong-content';
import type { World } from '../world';

const SECONDS_MS = 4_000;

const isAway = ({ kong, reloaders }: StatusReport) =>
  kong === null || reloaders.some(({ is_current, last_pass }) => !is_current || last_pass?.error !== null);

/** Renews while the Admin API does this to every request, for as long as the status takes to say so. */
const everything = (sentence: string, misdeed: (world: World) => Misdeed): Fault => ({
  sentence,
  run: (world) =>
    world.admin.during(misdeed(world), async () => {
      world.supply.renew();
      await world.says('Kong cannot be asked', isAway);
    }),
});

/** Renews while the Admin API does this to some requests for a few seconds. */
const aWhile = (
  sentence: string,
  misdeed: Misdeed,
  applies?: (of: { method: string; path: string }) => boolean,
): Fault => ({
  sentence,
  run: (world) =>
    world.admin.during(
      misdeed,
      async () => {
        world.supply.renew();
        await sleep(SECONDS_MS);
      },
      applies,
    ),
});

/** Faults between the plugin and Kong. */
export const ADMIN_FAULTS: FaultTable = {
  'connections-reset': everything('Every connection to the Admin API is reset.', () => reset),
  'no-answers': everything('The Admin API takes requests and never answers.', ({ admin }) => admin.hold),
  'answers-500': everything('The Admin API answers 500: its database is away.', () =>
    answer(500, { message: 'An unexpected error occurred' }),
  ),
  'answers-503': everything('The Admin API answers 503.', () => answer(503)),
  'answers-429': everything('The Admin API answers 429 and asks for a pause.', () =>
    answer(429, {}, { 'retry-after': '1' }),
  ),
  'answers-401': everything('The Admin API wants other credentials.', () =>
    answer(401, { message: 'Unauthorized' }),
  ),
  'answers-403': everything('The Admin API forbids everything.', () => answer(403, { message: 'Forbidden' })),
  'answers-404': everything('Something else answers 404 to everything.', () =>
    answer(404, { message: 'Not found' }),
  ),
  'answers-302': everything('A proxy sends every request to a login page.', () =>
    answer(302, '', { location: 'http://127.0.0.1:1/login' }),
  ),
  'answers-with-a-page': everything('Something else answers with a page of HTML.', () =>
    answer(200, '<html>login</html>', { 'content-type': 'text/html' }),
  ),
  'token-replaced': {
    sentence:
      'The token of the Admin API is replaced in its file, and the former one is refused from then on.',
    run: async (world) => {
      const file = join(world.folder, 'token');
      let token = 'first-token';
      writeFileSync(file, token);
      await world.reconfigure({ admin: { token_file: file } });
      await world.inStep();
      await world.admin.during(
        async (exchange) => {
          if (exchange.headers['kong-admin-token'] === token)
            pass(exchange.response, await exchange.forward());
          else await answer(401, { message: 'Unauthorized' })(exchange);
        },
        async () => {
          world.supply.renew();
          await world.served();
          token = 'second-token';
          writeFileSync(file, token);
          world.supply.renew();
          await world.served();
        },
        // The entry with the token is found without it.
        ({ path }) => /^\/(certificates|snis|config)/.test(path),
      );
      await world.configure({});
    },
  },
  garbage: everything('The Admin API answers with octets that are no HTTP.', () => garbage),
  'cut-answers': everything('Answers of the Admin API end in the middle.', () => cutAnswer),
  slow: aWhile('The Admin API takes half a second for each answer.', slow(500)),
  'lost-answers': aWhile('Writes are made, and their answers get lost.', loseAnswer, isWrite),
  'writes-reset': aWhile('Connections are reset at every write, before it is made.', reset, isWrite),
  'writes-429': aWhile('Every write is answered 429.', answer(429, {}, { 'retry-after': '1' }), isWrite),
  'writes-held': aWhile(
    'Writes are never answered, and their connections break.',
    ({ socket }) => {
      setTimeout(() => socket.destroy(), SECONDS_MS / 2);
    },
    isWrite,
  ),
  'writes-cut': aWhile('Writes are made, and their answers end in the middle.', cutAnswer, isWrite),
  'writes-garbage': aWhile(
    'Writes are made, and answered with octets that are no HTTP.',
    async (exchange) => {
      await exchange.forward();
      await garbage(exchange);
    },
    isWrite,
  ),
  'writes-made-500': aWhile(
    'Writes are made, and answered with 500.',
    async (exchange) => {
      await exchange.forward();
      await answer(500, { message: 'An unexpected error occurred' })(exchange);
    },
    isWrite,
  ),
  'lists-garbage': aWhile(
    'Lists of certificates and the export of the configuration are answered with half a page.',
    cutAnswer,
    ({ method, path }) => method === 'GET' && /^\/(certificates|config)/.test(path),
  ),
  'writes-lost': {
    sentence: 'Writes are answered as if they had been made, and are not.',
    run: async (world) => {
      await world.admin.during(
        answer(200, { id: certificateId(0) }),
        async () => {
          world.supply.renew();
          await world.saysOf(world.names[0] ?? '', 'is not in step', ({ state }) => state !== 'in_sync');
          await sleep(SECONDS_MS);
        },
        isWrite,
      );
      world.supply.renew();
    },
  },
  'writes-500': {
    sentence: 'Kong can be read, and answers every write with 500: the database is read-only.',
    run: (world) =>
      world.admin.during(
        answer(500, { message: 'An unexpected error occurred' }),
        async () => {
          world.supply.renew();
          await world.saysOf(world.names[0] ?? '', 'is not in step', ({ state }) => state !== 'in_sync');
        },
        isWrite,
      ),
  },
  'writes-403': {
    sentence: 'Kong can be read, and forbids every write: the licence has ended.',
    run: (world) =>
      world.admin.during(
        answer(403, { message: 'Enterprise license missing or expired' }),
        async () => {
          world.supply.renew();
          await world.saysOf(world.names[0] ?? '', 'is not in step', ({ state }) => state !== 'in_sync');
        },
        isWrite,
      ),
  },
  'answers-lost-now-and-then': {
    sentence: 'Every third request is reset, or executed without an answer.',
    run: async (world) => {
      let turn = 0;
      await world.admin.during(
        (exchange) => (turn % 2 === 0 ? reset(exchange) : loseAnswer(exchange)),
        async () => {
          for (let renewal = 0; renewal < 8; renewal++) {
            world.supply.renew();
            await sleep(500);
          }
        },
        () => ++turn % 3 === 0,
      );
    },
  },
};
