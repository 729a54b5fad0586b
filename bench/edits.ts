import * as crypto from 'node:crypto';
import { AdminClient, DeclarativeGateway, type AdminResponse } from '../src/gateway';
import { openBundle } from '../src/certificates';
import { isRefusal, type Change, type PemPair } from '../src/model';
import { certificateId } from './kong';
import { cpuTime, sideBySide, type Result } from './measure';
import { newPair, siteName, type Pair } from './pairs';

/** A Kong without a database that costs this process nothing: it answers from what it was given. */
class Instant extends AdminClient {
  #hash = 'before';
  /** To `GET /config`. */
  readonly answer: Buffer;
  readonly #certificates: Buffer[];

  constructor(pairs: readonly Pair[]) {
    super({ url: 'http://127.0.0.1:1' });
    const item = ({ cert, key, name }: Pair, index: number) =>
      `- id: ${certificateId(index)}\n  created_at: 1\n  tags: ~\n  snis:\n  - name: ${name}\n    id: ${certificateId(index)}\n` +
      `  key: |\n${indented(key)}  cert: |\n${indented(cert)}  key_alt: ~\n  cert_alt: ~\n`;
    const sni = ({ name }: Pair, index: number) =>
      `- id: ${certificateId(index)}\n  name: ${name}\n  certificate: ${certificateId(index)}\n`;
    const config = `_format_version: '3.0'\n_transform: false\ncertificates:\n${pairs.map(item).join('')}snis:\n${pairs.map(sni).join('')}`;
    this.answer = Buffer.from(JSON.stringify({ config }));
    this.#certificates = Array.from({ length: Math.ceil(pairs.length / 500) }, (_, page) =>
      Buffer.from(
        JSON.stringify({
          data: pairs.slice(page * 500, page * 500 + 500).map(({ cert, key, name }, index) => ({
            ...{ id: certificateId(page * 500 + index), cert, key, snis: [name], tags: null },
          })),
          next: page * 500 + 500 < pairs.length ? `/certificates?page=${page + 1}` : null,
        }),
      ),
    );
  }

  override async request(method: string, path: string, body?: unknown): Promise<AdminResponse> {
    await new Promise((resolve) => setImmediate(resolve));
    const answer = (bytes: Buffer, status = 200): AdminResponse => ({
      status,
      headers: {},
      bytes,
      get body(): unknown {
        return JSON.parse(bytes.toString()) as unknown;
      },
    });
    if (method === 'POST') {
      if (Buffer.isBuffer(body)) this.#hash = 'after';
      return answer(Buffer.from('{}'), 201);
    }
    if (path === '/status') return answer(Buffer.from(JSON.stringify({ configuration_hash: this.#hash })));
    if (path === '/config') return answer(this.answer);
    if (path.startsWith('/certificates'))
      return answer(this.#certificates[Number(/page=(\d+)/.exec(path)?.[1] ?? 0)] ?? Buffer.from('{}'));
    return answer(Buffer.from('{"data":[],"next":null}'));
  }
}

const indented = (pem: string) => pem.trimEnd().replace(/^/gm, '    ') + '\n';

/** Own CPU of so many changed certificates, written by one post. */
async function editAll(pairs: readonly Pair[]): Promise<number> {
  const kong = new Instant(pairs);
  const gateway = new DeclarativeGateway(kong);
  await gateway.certificates.refresh();
  const texts = new Map<Change, PemPair>();
  for (const [index, { name }] of pairs.entries()) {
    const { cert, key } = newPair(name);
    const opened = openBundle({ name, location: name, cert, key });
    const certificate = gateway.certificates.stored.get(certificateId(index));
    if (isRefusal(opened) || certificate === undefined) throw new Error(`${name} cannot be written`);
    const bundle = { ...opened.bundle, id: name, create: false };
    texts.set({ ...TO_MAIN, bundle, certificate }, { cert, key });
  }
  const changes = [...texts.keys()];
  return cpuTime(async () => {
    const { certificates } = await gateway.write({ certificates: changes, caCertificates: [] }, (change) =>
      Promise.resolve(texts.get(change) as PemPair),
    );
    if (!certificates.every(({ kind }) => kind === 'written')) throw new Error('not all were written');
  });
}

const TO_MAIN = { kind: 'update', half: 'main', isOfController: false, addSnis: [] } as const;

/** Cost of 10,000 changed certificates without a database, besides Kong's own work. */
export async function edits(): Promise<Result> {
  const pairs = Array.from({ length: 10_000 }, (_, index) => newPair(siteName(index)));
  const { answer } = new Instant(pairs);
  const bare = () =>
    cpuTime(() => {
      const { config } = JSON.parse(answer.toString()) as { config: string };
      crypto.hash('md5', config);
      Buffer.from(JSON.stringify({ config }));
    });
  const measured = await sideBySide(3, () => editAll(pairs), bare);
  return {
    ...{ name: 'edits-10k', ...measured, unit: 'ms', limit: 10 },
    against: 'the configuration parsed, hashed and serialized again (CPU)',
  };
}
