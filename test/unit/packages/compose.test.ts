import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { completeConfig } from '../../../src/app/config';
import { parseListeners } from '../../../src/gateway';

interface Service {
  image?: string;
  user?: string;
  tmpfs?: string[];
  volumes?: string[];
  ports?: string[];
  environment?: Record<string, string>;
  profiles?: string[];
  command?: string[];
}

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
};
const declarative = parse(readFileSync('kong.yml', 'utf8')) as {
  plugins: { name: string; config: { status: { listen: string }; sources: { path: string }[] } }[];
};
const dockerfile = readFileSync('Dockerfile', 'utf8');
const [entry] = declarative.plugins;

/** The entry that the one-shot of the profile with a database puts into Kong. */
function enabled(): Promise<{ url: string; body: typeof entry }> {
  return new Promise((resolve) => {
    const fetch = (url: string, { body }: { body: string }) => {
      resolve({ url, body: JSON.parse(body) as typeof entry });
      return Promise.resolve({ ok: true });
    };
    runInNewContext(compose.services['enable']?.command?.[0] ?? '', { fetch, JSON });
  });
}

describe.each(['kong', 'kong-database'])('the service %s', (name) => {
  const service = compose.services[name] ?? {};
  const { environment = {}, ports = [], volumes = [], tmpfs = [] } = service;

  it('runs as the owner of the certificates, with a prefix that any user may write', () => {
    expect(service.user).toBe('${KONG_USER:-1000:1000}');
    expect(tmpfs).toEqual([`${environment['KONG_PREFIX'] ?? ''}:mode=1777`]);
  });

  it('has the certificates where the entry looks for them', () => {
    expect(volumes).toContain(`./certs:${entry?.config.sources[0]?.path ?? ''}:ro`);
  });

  it('publishes TLS to everybody, and the Admin API and the page on loopback only', () => {
    const inside = (port: string) => ports.filter((one) => one.endsWith(`:${port}`));
    const [admin] = parseListeners(environment['KONG_ADMIN_LISTEN']);
    const tls = parseListeners(environment['KONG_PROXY_LISTEN']).find(({ ssl }) => ssl);
    const page = entry?.config.status.listen.split(':')[1] ?? '';
    expect(inside(String(tls?.port))).toHaveLength(1);
    for (const port of [String(admin?.port), page])
      expect(inside(port).join()).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    // Loopback inside the container is not what is published.
    expect(entry?.config.status.listen).toMatch(/^0\.0\.0\.0:/);
  });
});

it('both profiles have the same entry, and it is a valid one', async () => {
  const { url, body } = await enabled();
  expect(body).toEqual(entry);
  expect(new URL(url).hostname).toBe('kong-database');
  expect(compose.services['enable']?.profiles).toEqual(compose.services['kong-database']?.profiles);
  expect(() => completeConfig(entry?.config)).not.toThrow();
});

test('no port is published twice', () => {
  const published = Object.values(compose.services).flatMap(({ ports = [] }) =>
    ports.map((port) => port.split(':').at(-2)),
  );
  expect(new Set(published).size).toBe(published.length);
});

describe.each(['debian', 'rhel', 'distroless'])('the image for %s', (target) => {
  const stage =
    dockerfile.split(/^FROM /m).find((one) => one.startsWith(`\${KONG_IMAGE} AS ${target}\n`)) ?? '';

  it('has Node.js, the file and what Kong finds it by', () => {
    expect(stage).toContain('COPY --from=build /usr/local/bin/node /usr/local/bin/node');
    expect(stage).toMatch(/COPY --from=build \/src\/dist\/ssl-cert-reloader\.cjs \S+/);
    expect(stage).toContain('KONG_PLUGINS=bundled,ssl-cert-reloader');
    expect(stage).toContain('KONG_PLUGINSERVER_NAMES=ssl-cert-reloader');
  });

  it('goes on as the user of its base, and needs a shell only where there is one', () => {
    if (target === 'distroless') expect(stage).not.toMatch(/^(RUN|USER)/m);
    else expect(stage.trim()).toMatch(/\nUSER kong$/);
  });
});

test('no image can be exchanged behind its name', () => {
  const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(.*)$/gm)].map(([, image]) => image);
  const images = Object.values(compose.services).flatMap(({ image = '' }) => image);
  const foreign = [...bases, ...images.filter((image) => image !== 'ssl-cert-reloader-kong')];
  expect(foreign.length).toBeGreaterThan(2);
  for (const image of foreign) expect(image).toMatch(/^[a-z]+:[\d.]+[a-z-]*@sha256:[0-9a-f]{64}$/);
  // Every stage comes from one of them.
  const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from);
  expect(new Set(stages)).toEqual(new Set(['${NODE_IMAGE}', '${KONG_IMAGE}']));
});

test('nothing that npm installs runs where a release can be written, and no action can be exchanged', () => {
  const workflow = readFileSync('.github/workflows/release.yml', 'utf8');
  const { permissions, jobs } = parse(workflow) as {
    permissions: Record<string, string>;
    jobs: Record<string, { permissions?: Record<string, string>; steps: { uses?: string; run?: string }[] }>;
  };
  expect(permissions).toEqual({ contents: 'read' });
  for (const { permissions: more, steps } of Object.values(jobs)) {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    if (more !== undefined) expect(steps.map(({ run = '' }) => run).join('\n')).not.toMatch(/npm|node|bash/);
  }
});

test('plain docker build makes the image for Debian', () => {
  expect(dockerfile.match(/^FROM .* AS (\w+)$/gm)?.at(-1)).toContain('AS debian');
});

it('an image without a shell starts Node.js with the options of the first lines of the file', () => {
  const optionsIn = (text: string) => /node (--no-node-snapshot(?: --[\w=-]+)+)/.exec(text)?.[1];
  const inFile = optionsIn(readFileSync('scripts/bundles.mjs', 'utf8'));
  expect(inFile).toContain('--no-opt');
  expect(optionsIn(dockerfile)).toBe(inFile);
});
