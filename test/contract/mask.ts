import { load } from 'js-yaml';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** Random ids differ from run to run; derived ones (version 5) and those that tests give themselves do not. */
function maskIds(text: string): string {
  return text.replace(UUID, (id, version) => (version === '4' && !/^(.)\1{7}-/.test(id) ? '<id>' : id));
}

function maskText(text: string): string {
  return (
    maskIds(text)
      // OpenSSL's own words differ between its versions.
      .replace(
        /(invalid (?:certificate: x509\.new|key: pkey\.new:load_key)): .*?(?=; key: |["),}]|$)/g,
        '$1: <openssl>',
      )
      .replace(/(offset=)[\w-]+/g, '$1<offset>')
      .replace(/^\d+\.\d+ MiB$/, '<size>')
      .replace(/^(?!0{32})[0-9a-f]{32}$/, '<hash>')
  );
}

const VOLATILE = new Set(['created_at', 'updated_at', 'pid', 'total_requests', 'offset']);

/** A body without what differs from run to run, lists in one order, and without the texts of descriptions. */
export function maskBody(body: unknown): unknown {
  if (typeof body === 'string') return maskText(body);
  if (Array.isArray(body)) {
    const items = body.map(maskBody);
    return items.every((item) => typeof item === 'object')
      ? items.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
      : items;
  }
  if (typeof body !== 'object' || body === null) return body;
  const entries = Object.entries(body).flatMap(([key, value]): [string, unknown][] => {
    if (key === 'description') return [];
    if (VOLATILE.has(key) || key.startsWith('connections_')) return [[key, '<volatile>']];
    if (key === 'config' && typeof value === 'string') return [[key, maskYaml(value)]];
    return [[maskIds(key), maskBody(value)]];
  });
  return Object.fromEntries(entries);
}

/** The export parsed, and its lines: the order of fields is as random as Lua's tables. */
function maskYaml(text: string): unknown {
  const lines = maskText(text)
    .split('\n')
    .map((line) => line.replace(/^( *)- (?=[\w-]+:)/, '$1  ').replace(/_at: \d+$/, '_at: <volatile>'))
    .sort();
  return { content: maskBody(load(text)), lines };
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

const ALWAYS_DIFFERENT = new Set([
  'date',
  'content-length',
  'x-kong-admin-latency',
  'keep-alive',
  'connection',
]);

/** The headers that say something, and that there are others. */
export function maskHeaders(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name !== 'keep-alive')
      .map(([name, value]) => [name, ALWAYS_DIFFERENT.has(name) ? '<volatile>' : value]),
  );
}
