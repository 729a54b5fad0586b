import { expect, it, onTestFinished, test } from 'vitest';
import { DatabaseGateway } from '../../../src/gateway';
import { pageOfOne } from '../../../src/gateway/database/quick-read';
import { answering, clientOf, type Answer } from '../../support/admin';

test.for([
  ['6a7d4b42-9c1e-4f60-8f5a-0c6f2b7e9d31', '6a7d4b42-9c1e-4f60-8f5a-0c6f2b7e9d30'],
  ['6a7d4b42-9c1e-4f60-8000-000000000000', '6a7d4b42-9c1e-4f60-7fff-ffffffffffff'],
  ['00000000-0000-4000-8000-000000000010', '00000000-0000-4000-8000-00000000000f'],
] as const)('the page that begins with %s follows %s', ([id, before]) => {
  const query = new URL(pageOfOne(id) ?? '', 'http://kong').searchParams;
  expect(query.get('size')).toBe('1');
  expect(Buffer.from(query.get('offset') ?? '', 'base64').toString()).toBe(JSON.stringify([before]));
});

test.for(['00000000-0000-0000-0000-000000000000', 'id', '', '6A7D4B42-9C1E-4F60-8F5A-0C6F2B7E9D31'])(
  'no page begins with the id "%s"',
  (id) => {
    expect(pageOfOne(id)).toBeNull();
  },
);

/** Takes over what was read ahead of a write. */
const readAhead = async (kong: DatabaseGateway, id: string) => {
  kong.certificates.readAhead(id);
  return kong.certificates.readsAhead.take(id)?.entity;
};

const id = '6a7d4b42-9c1e-4f60-8f5a-0c6f2b7e9d31';
const other = { id: '6a7d4b42-9c1e-4f60-8f5a-0c6f2b7e9d32', cert: 'other', key: 'other', snis: [] };
const wanted = { id, cert: 'wanted', key: 'wanted', snis: [] };

test.for<[string, Answer]>([
  ['another certificate', { status: 200, body: { data: [other], next: null } }],
  ['no certificate', { status: 200, body: { data: [], next: null } }],
  ['no page', { status: 200, body: { message: 'welcome' } }],
  ['an error of its own', { status: 500, body: { message: 'An unexpected error occurred' } }],
  ['a refusal of the offset', { status: 400, body: { code: 7, name: 'invalid offset' } }],
])(
  'a Kong that answers with %s is asked for the certificate itself, from then on at once',
  async ([, page]) => {
    const { url, received } = await answering([
      page,
      { status: 200, body: wanted },
      { status: 200, body: wanted },
    ]);
    const kong = new DatabaseGateway(clientOf(url));
    expect(await readAhead(kong, id)).toEqual(wanted);
    expect(await readAhead(kong, id)).toEqual(wanted);
    expect(received.map((request) => request.url)).toEqual([
      pageOfOne(id),
      `/certificates/${id}`,
      `/certificates/${id}`,
    ]);
  },
);

it('a certificate that is gone is missing, and its Kong is asked for pages of one again', async () => {
  const empty = { status: 200, body: { data: [], next: null } };
  const { url, received } = await answering([
    empty,
    { status: 404, body: { message: 'Not found' } },
    { status: 200, body: { data: [wanted], next: null } },
  ]);
  const kong = new DatabaseGateway(clientOf(url));
  expect(await readAhead(kong, id)).toBeNull();
  expect(await readAhead(kong, id)).toEqual(wanted);
  expect(received).toHaveLength(3);
});

it('a Kong that does not answer is asked for few certificates ahead, and still for others', async () => {
  const { url, received } = await answering([
    (response) => {
      if (response.req.url === `/certificates/${id}`) response.end(JSON.stringify(wanted));
    },
  ]);
  const kong = new DatabaseGateway(clientOf(url, { timeoutMs: 5_000, attempts: 1 }));
  onTestFinished(() => kong.close());
  for (let last = 10; last < 40; last++) kong.certificates.readAhead(`${id.slice(0, -2)}${last}`);
  expect(await kong.certificates.readTexts(id)).toMatchObject({ main: { cert: 'wanted' } });
  expect(received.filter((request) => request.url.includes('offset')).length).toBeLessThanOrEqual(8);
});
