import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, test } from 'vitest';
import { storedHalfOf } from '../../src/certificates';
import { DatabaseGateway } from '../../src/gateway';
import type { Change, StoredCertificate } from '../../src/model';
import { clientOf } from '../support/admin';
import { issue, opened, rawOf } from '../support/bundles';

const id = '6a7d4b42-9c1e-4f60-8f5a-0c6f2b7e9d31';
const old = issue();
const renewal = issue();
const fresh = { cert: renewal.chain, key: renewal.key };
/** As the gate yields it: with more than is sent. */
const half = storedHalfOf(opened(rawOf(renewal))) ?? expect.fail('the renewal is not in the usual order');
const stored = {
  id,
  cert: old.chain,
  key: old.key,
  cert_alt: null,
  key_alt: null,
  snis: ['www.example.test'],
};

const answer = (response: ServerResponse, body: object, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

/** A server that answers each request once its body is whole; `begun`: those whose headers have come. */
async function answeringAs(of: (path: string) => object) {
  const begun: string[] = [];
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    begun.push(`${method} ${url}`);
    request.resume().on('end', () => answer(response, of(url)));
    request.on('error', () => undefined);
  });
  return { url: await listening(server), begun };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What one PATCH brought: its body, or null where it was given up. */
type Patch = object | null;

/**
 * A Kong that answers the read before a write only when the headers of a PATCH have come.
 * @param found what that read finds
 * @param early what is done with a PATCH when its headers have come; default: its body is waited for
 */
async function renewing(found: object, early: (response: ServerResponse) => void = () => undefined) {
  const patches: Promise<Patch>[] = [];
  /** In the order in which they were complete. */
  const log: string[] = [];
  let headersCame: () => void = () => undefined;
  let hold = Promise.resolve();
  const read = async (response: ServerResponse) => {
    await hold;
    // The PATCH has time to be sent too early.
    await new Promise((done) => setTimeout(done, 20));
    log.push('read');
    answer(response, { data: [found], next: null });
  };
  const bodyOf = async (request: IncomingMessage): Promise<string | null> => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    const isWhole = await Promise.race([
      once(request, 'end').then(() => true),
      once(request.socket, 'close').then(() => request.complete),
    ]).catch(() => false);
    return isWhole ? Buffer.concat(chunks).toString() : null;
  };
  const patch = async (request: IncomingMessage, response: ServerResponse): Promise<Patch> => {
    headersCame();
    if (patches.length === 0) early(response);
    const body = await bodyOf(request);
    log.push(body === null ? 'given up' : 'PATCH');
    if (body === null || response.writableEnded) return null;
    const fields = JSON.parse(body) as object;
    answer(response, { ...found, ...fields });
    return fields;
  };
  const server = createServer((request, response) => {
    if (request.method === 'PATCH') patches.push(patch(request, response));
    else if (request.url?.includes('size=1&') === true) void read(response);
    else
      answer(response, {
        data: request.url?.startsWith('/certificates') === true ? [stored] : [],
        next: null,
      });
  });
  const kong = new DatabaseGateway(clientOf(await listening(server)));
  onTestFinished(() => kong.close());
  await kong.certificates.refresh();
  hold = new Promise<void>((done) => (headersCame = done));
  const certificate = kong.certificates.stored.get(id) as StoredCertificate;
  const bundle = { ...opened(rawOf(renewal)).bundle, id: 'www', create: false };
  const change = { kind: 'update', half: 'main', bundle, certificate, addSnis: [] } as unknown as Change;
  kong.certificates.readAhead(id);
  const { certificates } = await kong.write({ certificates: [change], caCertificates: [] }, () =>
    Promise.resolve({ ...fresh, half }),
  );
  return { result: certificates[0], patches: await Promise.all(patches), log };
}

it('the body of a write follows the answer to its read', async () => {
  const { result, patches, log } = await renewing(stored);
  expect(result).toMatchObject({ kind: 'written', before: { main: { cert: old.chain }, snis: stored.snis } });
  expect(patches).toEqual([fresh]);
  expect(log).toEqual(['read', 'PATCH']);
});

const other = issue({ notBefore: new Date(Date.now() + 60_000) });

test.for([
  ['somebody else has written another pair', { ...stored, cert: other.chain, key: other.key }, 'conflict'],
  ['the pair is there already', { ...stored, ...fresh }, 'already'],
] as const)('a write that was begun is given up without its body where %s', async ([, found, kind]) => {
  const { result, patches, log } = await renewing(found);
  expect(result).toMatchObject({ kind });
  expect(patches).toEqual([null]);
  expect(log).toEqual(['read', 'given up']);
});

it('a write that was begun is given up for one with the twin that somebody has added', async () => {
  const twin = issue();
  const alt = { cert_alt: twin.chain, key_alt: twin.key };
  const { result, patches } = await renewing({ ...stored, ...alt });
  expect(result).toMatchObject({ kind: 'written' });
  expect(patches).toEqual([null, { ...fresh, ...alt }]);
});

test.for<[string, (response: ServerResponse) => void]>([
  ['is cut off', (response) => response.socket?.resetAndDestroy()],
  ['is refused', (response) => answer(response, { message: 'too early' }, 400)],
  ['is answered', (response) => answer(response, stored)],
])('a write that %s before its body was sent is made by a second one', async ([, early]) => {
  const { result, patches } = await renewing(stored, early);
  expect(result).toMatchObject({ kind: 'written', before: { main: { cert: old.chain } } });
  expect(patches).toEqual([null, fresh]);
});

it('writes that were begun leave connections for the reads that they wait for', async () => {
  // More than there are connections, on a Kong that has to be asked twice for each.
  const ids = Array.from({ length: 20 }, (_, index) => id.slice(0, -2) + String(10 + index));
  const { url, begun } = await answeringAs((path) => {
    const found = ids.find((one) => path === `/certificates/${one}`);
    if (found !== undefined) return { ...stored, id: found };
    const isList = path.startsWith('/certificates?size=5');
    return { data: isList ? ids.map((one) => ({ ...stored, id: one, snis: [] })) : [], next: null };
  });
  const kong = new DatabaseGateway(clientOf(url, { timeoutMs: 5_000 }));
  onTestFinished(() => kong.close());
  await kong.certificates.refresh();
  const bundle = { ...opened(rawOf(renewal)).bundle, id: 'www', create: false };
  const changes = ids.map((one) => {
    const certificate = kong.certificates.stored.get(one) as StoredCertificate;
    return { kind: 'update', half: 'main', bundle, certificate, addSnis: [] } as unknown as Change;
  });
  for (const one of ids) kong.certificates.readAhead(one);
  const { certificates } = await kong.write({ certificates: changes, caCertificates: [] }, () =>
    Promise.resolve(fresh),
  );
  expect(new Set(certificates.map(({ kind }) => kind))).toEqual(new Set(['written']));
  const patches = begun.filter((request) => request.startsWith('PATCH'));
  expect(patches.sort()).toEqual(ids.map((one) => `PATCH /certificates/${one}`));
});
