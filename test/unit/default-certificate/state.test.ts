import { describe, expect, it, test } from 'vitest';
import { Authority, type Issued } from '../../../src/authority/authority';
import type { KeyType } from '../../../src/model';
import {
  DefaultCertificate,
  DefaultCertificateSource,
  NODE_WORDS,
  reloadFor,
  type DefaultCertificateOptions,
} from '../../../src/default-certificate';
import { blocksOf, derOf, issue, secretsIn } from '../../support/bundles';
import { MemorySource } from '../../support/stages';

const SECOND = 1_000;
const aged = (minutes: number, more: Parameters<typeof issue>[0] = {}) =>
  issue({ notBefore: new Date(Date.now() - minutes * 60_000), ...more });

class MemoryFile extends MemorySource {
  constructor(readonly location: string) {
    super(`file:${location}`);
  }

  /** The next scan compares with what was read. */
  override read(name: string) {
    void this.scan();
    return super.read(name);
  }
}

/** A default certificate whose Kong is a few variables. */
function watching(
  mode: 'promote' | 'reload',
  { allowDowngrade = false, files = ['/certs/default.crt'] } = {},
) {
  const sources = files.map((location) => new MemoryFile(location));
  const clock = { now: Date.now() };
  const kong = {
    /** Null: no listener answers. */
    serves: null as Issued | null,
    byType: new Map<KeyType, Issued>(),
    asked: [] as (KeyType | undefined)[],
    /** Result of each reload; null: it was sent. */
    refusal: null as string | null,
    reloads: [] as string[],
    done: new Map<string, string>(),
  };
  const certificate = new DefaultCertificate({
    mode,
    files: sources,
    served: (keyType) => {
      kong.asked.push(keyType);
      const found = keyType === undefined ? kong.serves : (kong.byType.get(keyType) ?? kong.serves);
      return Promise.resolve(found === null ? null : blocksOf(found.chain).map(derOf));
    },
    reloadedFor: (fingerprint) => kong.done.get(fingerprint) ?? null,
    allowDowngrade,
    patienceMs: 15 * SECOND,
    now: () => clock.now,
  });
  const reload = () =>
    reloadFor([certificate], ([fingerprint = '']) => {
      if (kong.refusal !== null) return kong.refusal;
      kong.reloads.push(fingerprint);
      kong.done.set(fingerprint, new Date(clock.now).toISOString());
      return null;
    });
  const [file] = sources as [MemoryFile];
  const put = (what: Parameters<MemorySource['put']>[1], at = file) => at.put(at.location, what);
  /** Looks, and once more as long as that is asked for, a second later each. */
  const look = async (most = 5) => {
    for (let times = 0; times < most; times++) {
      await certificate.observe(true);
      if (!(await reload())) break;
      clock.now += SECOND + 50;
    }
    return certificate.status;
  };
  return { certificate, kong, put, look, reload, clock, sources };
}

describe('while Kong serves what is in its files', () => {
  it.each(['promote', 'reload'] as const)('nothing is to be done (%s)', async (mode) => {
    const { certificate, kong, put, look } = watching(mode);
    const pair = aged(60);
    put(pair);
    kong.serves = pair;
    expect(await look()).toMatchObject({ state: 'in_sync', detail: '', reloaded_at: null });
    expect(certificate.isPromoted).toBe(false);
    expect(kong.reloads).toEqual([]);
  });

  it('a key that no longer fits is logged: Kong would not start with it', async () => {
    const { certificate, kong, put, look, clock } = watching('reload');
    const pair = aged(60);
    put(pair);
    kong.serves = pair;
    await look();
    put({ cert: pair.chain, key: aged(10).key });
    await look();
    clock.now += SECOND;
    await certificate.observe(true);
    expect(certificate.status).toMatchObject({
      state: 'refused',
      detail: expect.stringContaining('does not belong to its certificate') as string,
    });
    expect(kong.reloads).toEqual([]);
  });

  it('a root that the file holds, too, is no difference', async () => {
    const { kong, put, look } = watching('promote');
    const pair = aged(60);
    put({ cert: pair.chain + pair.chain, key: pair.key });
    kong.serves = pair;
    expect((await look()).state).toBe('in_sync');
  });
});

describe('where a listener shows the leaf and its issuer alone', () => {
  const pair = Authority.root()
    .intermediate('Upper')
    .intermediate('Lower')
    .issue({ names: ['x.test'] });
  const [leaf = '', lower = '', upper = ''] = blocksOf(pair.chain);
  it.each([
    ['in the order of the issuers, something is missing', lower + upper, 'reload_pending'],
    ['in another order, that is all that can be seen of it', upper + lower, 'in_sync'],
  ])('of a file %s', async (_, rest, state) => {
    const { kong, put, look } = watching('promote');
    put({ cert: leaf + rest, key: pair.key });
    kong.serves = { ...pair, chain: leaf + lower };
    expect((await look()).state).toBe(state);
  });
});

describe('when the files change', () => {
  it('nothing else is logged while Kong is too busy to answer', async () => {
    const { kong, put, look } = watching('promote');
    const first = aged(60);
    put(first);
    kong.serves = first;
    expect((await look()).state).toBe('in_sync');
    kong.serves = null;
    expect((await look()).state).toBe('in_sync');
    put(aged(10));
    expect((await look()).state).toBe('reload_pending');
  });

  it('a certificate for unknown names is created, and it is said what clients without SNI get', async () => {
    const { certificate, kong, put, look } = watching('promote');
    kong.serves = aged(60);
    const renewed = aged(10);
    put(renewed);
    const status = await look();
    expect(status.state).toBe('reload_pending');
    expect(status.detail).toContain('clients without SNI get the former certificate until Kong is reloaded');
    expect(status.detail).toContain('/certs/default.crt');
    expect(certificate.isPromoted).toBe(true);
    expect(new DefaultCertificateSource(certificate)).toMatchObject({ snis: ['*'], create: true });
    expect(kong.reloads).toEqual([]);
    kong.serves = renewed;
    expect(await look()).toMatchObject({ state: 'in_sync', detail: '' });
    expect(certificate.isPromoted).toBe(false);
  });

  it('Kong is reloaded once for them, and never again for the same ones, even by another process', async () => {
    const { certificate, kong, put, look, clock } = watching('reload');
    kong.serves = aged(60);
    put(aged(10));
    await look(3);
    expect(kong.reloads).toHaveLength(1);
    expect(certificate.isPromoted).toBe(false);
    clock.now += 20 * SECOND;
    const status = await look();
    expect(kong.reloads).toHaveLength(1);
    expect(status.state).toBe('reload_pending');
    expect(status.detail).toMatch(/was reloaded for it at .* and still serves the former one/);
    // Without an effect of the reload, at least unknown names get the certificate.
    expect(certificate.isPromoted).toBe(true);

    const successor = watching('reload');
    for (const [fingerprint, at] of kong.done) successor.kong.done.set(fingerprint, at);
    successor.kong.serves = kong.serves;
    successor.clock.now = clock.now;
    successor.put((await readBack(certificate)) as Issued);
    await successor.look();
    expect(successor.kong.reloads).toEqual([]);
  });

  it('the process that a reload started says so once it is served', async () => {
    const { kong, put, look } = watching('reload');
    kong.serves = aged(60);
    const renewed = aged(10);
    put(renewed);
    await look(3);
    kong.serves = renewed;
    expect((await look()).detail).toContain('Kong was reloaded for the files of ssl_cert at');
  });

  it('two pairs that are renewed within a second make one reload', async () => {
    const { kong, put, look, reload, certificate, clock, sources } = watching('reload', {
      files: ['/rsa', '/ec'],
    });
    kong.byType.set('rsa', aged(60, { key: 'rsa-2048' })).set('ec', aged(60));
    kong.serves = aged(60);
    const [rsa, ec] = sources as [MemoryFile, MemoryFile];
    put(aged(10, { key: 'rsa-2048' }), rsa);
    put(aged(59), ec);
    await certificate.observe(true);
    expect(await reload()).toBe(true);
    clock.now += SECOND / 2;
    put(aged(5), ec);
    await certificate.observe(true);
    clock.now += SECOND * 0.9;
    expect(await reload()).toBe(true);
    await look(3);
    expect(kong.reloads).toHaveLength(1);
    expect(kong.asked).toContain('rsa');
    expect(kong.asked).toContain('ec');
  });

  it('a Kong that cannot be reloaded is not, which is said, and unknown names get the new one', async () => {
    const { certificate, kong, put, look } = watching('reload');
    kong.serves = aged(60);
    kong.refusal = 'it belongs to another user';
    put(aged(10));
    const status = await look();
    expect(status.detail).toContain('it belongs to another user');
    expect(certificate.isPromoted).toBe(true);
  });

  test.for<[string, () => Issued | { cert: string; key: string }, RegExp]>([
    ['do not match', () => ({ cert: aged(10).chain, key: aged(10).key }), /does not belong/],
    ['hold no key', () => ({ cert: aged(10).chain, key: '' }), /no private key/],
    ['have expired', () => aged(60, { notAfter: new Date(Date.now() - 1) }), /expired/],
    [
      'are older than what is served',
      () => aged(600),
      /older than the certificate that clients without SNI get/,
    ],
    ['hold a CA', () => aged(10, { ca: true }), /CA certificate/],
  ])('and %s, nothing is done but said', async ([, make, message]) => {
    for (const mode of ['promote', 'reload'] as const) {
      const { certificate, kong, put, look } = watching(mode);
      kong.serves = aged(60);
      const broken = make();
      put(broken);
      const status = await look();
      expect(status).toMatchObject({ state: 'refused', detail: expect.stringMatching(message) as string });
      for (const secret of secretsIn(broken.key)) expect(status.detail).not.toContain(secret);
      expect(certificate.isPromoted).toBe(false);
      expect(kong.reloads).toEqual([]);
    }
  });

  it('are taken though they are older where that is allowed', async () => {
    const { certificate, kong, put, look } = watching('promote', { allowDowngrade: true });
    kong.serves = aged(60);
    put(aged(600));
    expect((await look()).state).toBe('reload_pending');
    expect(certificate.isPromoted).toBe(true);
  });

  it('nothing is concluded while no listener answers', async () => {
    const { certificate, kong, put, look } = watching('reload');
    put(aged(10));
    expect((await look()).state).toBe('unknown');
    expect(certificate.isPromoted).toBe(false);
    expect(kong.reloads).toEqual([]);
  });

  it('a change between two reads of one pass is seen in the next pass', async () => {
    const { certificate, kong, put, look } = watching('reload');
    const [renewed, other] = [aged(10), aged(10)];
    kong.serves = aged(60);
    put({ cert: renewed.chain, key: other.key });
    await certificate.observe(true);
    put(renewed);
    await certificate.files.read('/certs/default.crt');
    await look();
    expect(kong.reloads).toHaveLength(1);
  });

  it('a half-written pair is waited for before anything is logged', async () => {
    const { certificate, kong, put, reload, clock } = watching('promote');
    kong.serves = aged(60);
    put({ cert: aged(10).chain, key: aged(10).key });
    await certificate.observe(true);
    expect(certificate.status).toMatchObject({ state: 'refused', detail: '' });
    expect(await reload()).toBe(true);
    clock.now += SECOND + 50;
    put(aged(10));
    await certificate.observe(true);
    expect(certificate.status.state).toBe('reload_pending');
  });
});

/** Present content of the certificate's one file. */
async function readBack(certificate: DefaultCertificate): Promise<{ chain: string; key: string }> {
  const raw = (await certificate.files.read('/certs/default.crt')) as { cert: string; key: string };
  return { chain: raw.cert, key: raw.key };
}

describe('the certificates of the node', () => {
  /** Two groups with one Kong, as the pass has them. */
  function node(mode: 'observe' | 'reload') {
    const clock = { now: Date.now() };
    const done = new Map<string, string>();
    const signals: string[][] = [];
    const seen = new Map<string, Issued | boolean | null>();
    const group = (locations: string[], more: Partial<DefaultCertificateOptions>) => {
      const files = locations.map((location) => new MemoryFile(location));
      const certificates = new DefaultCertificate({
        mode,
        files,
        served: (_, __, location) => {
          const found = seen.get(location) ?? null;
          return Promise.resolve(
            found === null || typeof found === 'boolean' ? found : blocksOf(found.chain).map(derOf),
          );
        },
        reloadedFor: (fingerprint) => done.get(fingerprint) ?? null,
        allowDowngrade: false,
        patienceMs: 15 * SECOND,
        now: () => clock.now,
        ...more,
      });
      return { certificates, put: (at: number, what: Issued) => files[at]?.put(locations[at] ?? '', what) };
    };
    const byDefault = group(['/default.crt'], {});
    const nodes = group(['/admin.crt', '/client.crt'], { words: NODE_WORDS, areTwins: false });
    const look = async () => {
      for (let times = 0; times < 6; times++) {
        for (const { certificates } of [byDefault, nodes]) await certificates.observe(true);
        const isSoon = await reloadFor([byDefault.certificates, nodes.certificates], (fingerprints) => {
          signals.push([...fingerprints]);
          for (const one of fingerprints) done.set(one, new Date(clock.now).toISOString());
          return null;
        });
        if (!isSoon) break;
        clock.now += SECOND + 50;
      }
      return nodes.certificates.status;
    };
    return { byDefault, nodes, seen, look, signals, clock };
  }

  it('are seen to be as Kong has them, by a handshake or by when Kong was started', async () => {
    const { nodes, seen, look, signals } = node('observe');
    const admin = aged(60);
    nodes.put(0, admin);
    nodes.put(1, aged(50));
    seen.set('/admin.crt', admin).set('/client.crt', true);
    expect(await look()).toMatchObject({ state: 'in_sync', detail: '' });
    seen.set('/client.crt', false);
    const { state, detail } = await look();
    expect(state).toBe('reload_pending');
    expect(detail).toContain(
      '/client.crt is newer than what Kong read when it started; run kong reload, or set node_certificates to reload',
    );
    expect(signals).toEqual([]);
  });

  it('get one reload together with the default certificate, and never two for the same content', async () => {
    const { byDefault, nodes, seen, look, signals, clock } = node('reload');
    seen.set('/default.crt', aged(60)).set('/admin.crt', aged(60)).set('/client.crt', true);
    byDefault.put(0, aged(10));
    nodes.put(0, aged(9));
    nodes.put(1, aged(50));
    await look();
    expect(signals.map((fingerprints) => fingerprints.length)).toEqual([2]);
    clock.now += 60 * SECOND;
    const { detail } = await look();
    expect(detail).toContain('still serves the former one');
    expect(signals).toHaveLength(1);
  });

  it('are left alone while one of them does not fit its key', async () => {
    const { nodes, seen, look, signals } = node('reload');
    seen.set('/admin.crt', aged(60)).set('/client.crt', true);
    nodes.put(0, aged(9));
    nodes.put(1, { ...aged(8), key: aged(7).key });
    const { state, detail } = await look();
    expect(state).toBe('refused');
    expect(detail).toContain('/client.crt');
    expect(signals).toEqual([]);
  });
});
