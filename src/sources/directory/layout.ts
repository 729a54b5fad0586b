import { groupBy } from '../../common/multimap';
import { MAX_BESIDE } from './beside';
import { parseName, type ParsedName } from './names';

/** The files of one bundle, as names within their folder. */
export interface FilePair {
  cert: string;
  /** Null: certificate and key are in one file, if it is a bundle at all. */
  key: string | null;
  /** Files that may complete its chain. */
  beside?: readonly string[];
}

/** What the names of a folder's files tell about them. */
export interface Layout {
  /** Files that belong together by their names. */
  pairs: FilePair[];
  keystores: FilePair[];
  /** Certificates and keys whose content has to tell their role and which belong together. */
  unclear: ParsedName[];
}

const CERTIFICATE_ENDINGS = new Set(['.crt', '.cer', '.pem', '.der', '.p7b', '.p7c', '.cert']);

/** cert-manager can write one pair in all these forms; the first that exists is taken. */
const FORMS_OF_ONE = ['tls-combined.pem', 'keystore.p12', 'keystore.jks'];

interface Known {
  cert: string;
  key: string;
  /** Files of its chain. */
  beside: readonly string[];
  /** Files that only repeat it. */
  parts: readonly string[];
}

/** Pairs that tools write into a folder of their own. */
const KNOWN: readonly Known[] = [
  { cert: 'tls.crt', key: 'tls.key', beside: ['ca.crt'], parts: [...FORMS_OF_ONE, 'key.der'] },
  { cert: 'tls.crt', key: 'key.der', beside: ['ca.crt'], parts: FORMS_OF_ONE },
  {
    cert: 'fullchain.pem',
    key: 'privkey.pem',
    beside: ['chain.pem'],
    parts: ['cert.pem', 'short-chain.pem'],
  },
];

/** Roles of the numbered generations of certbot and dehydrated: each number has a file for every role. */
const GENERATION_ROLES = ['cert', 'chain', 'fullchain', 'privkey'];
/** Number of generations that are read; older ones are skipped. */
const GENERATIONS_READ = 2;

/**
 * Finds files that belong together by the names that tools and people use; the tests have a table of them.
 * @param names a file system may list one twice that is replaced meanwhile
 */
export function layoutOf(names: readonly string[]): Layout {
  const present = new Set(names);
  if (present.size < names.length) return layoutOf([...present]);
  const layout: Layout = { pairs: [], keystores: [], unclear: [] };
  const done = new Set<string>();
  const pair = (cert: string, key: string) => {
    layout.pairs.push({ cert, key });
    done.add(cert).add(key);
  };
  for (const { cert, key, ...known } of [...KNOWN, ...ofAcmeSh(names)]) {
    if (!present.has(cert) || !present.has(key) || done.has(cert)) continue;
    const beside = known.beside.filter((name) => present.has(name));
    layout.pairs.push({ cert, key, ...(beside.length === 0 ? {} : { beside }) });
    for (const name of [cert, key, ...beside, ...known.parts]) done.add(name);
  }
  pairByBase(names, done, pair);
  if (done.size === names.length) return layout;

  const rest: ParsedName[] = [];
  const old = oldGenerations(names);
  for (const name of names) {
    const parsed = done.has(name) || old.has(name) ? null : parseName(name);
    if (parsed !== null && parsed.role !== 'truststore' && parsed.role !== 'public_key') rest.push(parsed);
  }
  const named = rest.filter(({ isPlain }) => !isPlain);
  const groups = groupBy(named, ({ stem, number }) => `${stem}\0${number ?? ''}`);
  for (const group of groups.values()) {
    const told = tellGroup(group);
    if (told !== null) pair(told.cert, told.key);
  }
  sortOut(
    layout,
    rest.filter(({ name }) => !done.has(name)),
    names,
  );
  return layout;
}

/** `fullchain.cer` and the one key: acme.sh names the key after the domain. */
function ofAcmeSh(names: readonly string[]): Known[] {
  if (!names.includes('fullchain.cer')) return [];
  const [key, ...others] = names.filter((name) => name.endsWith('.key'));
  if (key === undefined || others.length > 0) return [];
  return [{ cert: 'fullchain.cer', key, beside: ['ca.cer'], parts: [key.replace(/\.key$/, '.cer')] }];
}

/** `NAME.key` and the one certificate of that name. */
function pairByBase(
  names: readonly string[],
  done: ReadonlySet<string>,
  pair: (cert: string, key: string) => void,
): void {
  if (!names.some((name) => name.endsWith('.key'))) return;
  /** Null: there are several. */
  const certs = new Map<string, string | null>();
  for (const name of names) {
    const dot = name.lastIndexOf('.');
    if (dot < 1 || done.has(name) || !CERTIFICATE_ENDINGS.has(name.slice(dot))) continue;
    const base = name.slice(0, dot);
    certs.set(base, certs.has(base) ? null : name);
  }
  for (const name of names) {
    if (!name.endsWith('.key') || done.has(name)) continue;
    const base = name.slice(0, -'.key'.length);
    const cert = certs.get(base);
    if (cert != null && !isOfCa(base)) pair(cert, name);
  }
}

/** Whether it is a CA's own pair: `ca`, `rootCA`, `intermediate_ca`. */
function isOfCa(base: string): boolean {
  const parsed = base.length > 20 ? null : parseName(`${base}.crt`);
  return parsed?.role === 'issuers' && parsed.stem === '';
}

/** One key, and one certificate that is not only a part of a chain. */
function tellGroup(group: readonly ParsedName[]): { cert: string; key: string } | null {
  const of = (...roles: ParsedName['role'][]) => group.filter(({ role }) => roles.includes(role));
  const [key, ...otherKeys] = of('key');
  const [cert, ...others] = of('certificate', 'fullchain');
  if (key === undefined || cert === undefined || otherKeys.length + others.length > 0) return null;
  return { cert: cert.name, key: key.name };
}

/** Files in certbot's archive and of dehydrated that newer ones have replaced. */
function oldGenerations(names: readonly string[]): ReadonlySet<string> {
  const generations = new Map<string, Set<string>>();
  for (const name of names) {
    const [, role = '', number = ''] = /^(cert|chain|fullchain|privkey)-?(\d+)\.pem$/.exec(name) ?? [];
    if (role !== '') generations.set(number, (generations.get(number) ?? new Set()).add(role));
  }
  const whole = [...generations].filter(([, roles]) => roles.size === GENERATION_ROLES.length);
  const newest = whole.map(([number]) => Number(number)).sort((a, b) => b - a)[GENERATIONS_READ - 1];
  if (newest === undefined) return new Set();
  return new Set(names.filter((name) => Number(/^[a-z]+-?(\d+)\.pem$/.exec(name)?.[1] ?? newest) < newest));
}

/** Sorts the files that are not in pairs: parts of chains, keystores, and files that only their content explains. */
function sortOut(layout: Layout, rest: readonly ParsedName[], names: readonly string[]): void {
  const { pairs, keystores } = layout;
  const form = FORMS_OF_ONE.find((name) => names.includes(name));
  const left = rest.filter(({ name }) => !FORMS_OF_ONE.includes(name) || name === form);
  // NAME.p12 beside NAME.crt and NAME.key is an export of the same certificate.
  const bases = new Set(pairs.flatMap(({ cert, key }) => [baseOf(cert), baseOf(key ?? '')]));
  for (const { name, role } of left)
    if (role === 'keystore' && !bases.has(baseOf(name))) keystores.push({ cert: name, key: null });
  const bundles = [...pairs, ...keystores];
  const stems = left.some(({ role }) => role === 'issuers' || role === 'fullchain')
    ? groupBy(bundles, ({ cert }) => parseName(cert)?.stem ?? '')
    : new Map<string, FilePair[]>();
  for (const file of left) {
    const { name, role, stem } = file;
    if (role === 'keystore') continue;
    const isPart = role === 'issuers' || (role === 'fullchain' && stems.has(stem));
    const owners = !isPart ? [] : stem === '' ? bundles : (stems.get(stem) ?? []);
    for (const owner of owners) {
      const { beside = [] } = owner;
      if (beside.length < MAX_BESIDE) owner.beside = [...beside, name];
    }
    // A `bundle.pem` may be anything; a chain that is named like a pair belongs to it.
    if (owners.length === 0 || stem === '') layout.unclear.push(file);
  }
}

const baseOf = (name: string) => name.replace(/\.[^.]*$/, '');

/** Every certificate file by itself: a folder of CAs has no pairs. */
export const singleFiles = (names: readonly string[]): Layout => ({
  pairs: [...new Set(names)]
    .filter((name) => parseName(name)?.isPlain === false && !/\.(key|p8|pk8|pkcs8)$/i.test(name))
    .map((cert) => ({ cert, key: null })),
  keystores: [],
  unclear: [],
});
