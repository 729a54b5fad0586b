import { PASSWORD, type FormatFile } from '../support/format-files';
import { bombs } from './bombs';

/** Something that must not get into Kong. */
export interface Hostile {
  name: string;
  cert: Buffer;
  key: Buffer;
  password: string;
}

const MIB = 1024 * 1024;
const empty = Buffer.alloc(0);

/** Accidents and attacks that files suffer; each is applied to every format. */
const HARMS: readonly [string, (file: FormatFile) => Partial<Hostile> | null][] = [
  ...[0, 1, 2, 4, 9].map((length) => cut(`cut to ${length} octets`, () => length)),
  ...[10, 25, 50, 75, 90].map((percent) =>
    cut(`cut to ${percent} percent`, (size) => Math.floor((size * percent) / 100)),
  ),
  cut('without its last 32 octets', (size) => size - 32),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map(flip),
  ['with a wrong password', ({ cert, key }) => (isLocked({ cert, key }) ? { password: 'guess' } : null)],
  ['with an empty password', ({ cert, key }) => (isLocked({ cert, key }) ? { password: '' } : null)],
  ['with its files swapped', ({ cert, key }) => (key === undefined ? null : { cert: key, key: cert })],
  ['with its certificate twice and no key', ({ cert, key }) => (key === undefined ? null : { key: cert })],
  ['with its key twice and no certificate', ({ key }) => (key === undefined ? null : { cert: key, key })],
  ['with a key of zeros', ({ key }) => (key === undefined ? null : { key: Buffer.alloc(key.length) })],
  ['backwards', ({ cert }) => ({ cert: Buffer.from(cert).reverse() })],
  ['all zeros', ({ cert }) => ({ cert: Buffer.alloc(cert.length) })],
  ['all ones', ({ cert }) => ({ cert: Buffer.alloc(cert.length, 0xff) })],
  ['larger than 1 MiB', ({ cert }) => ({ cert: Buffer.concat([cert, Buffer.alloc(MIB)]) })],
  ['with lengths of 4 GiB', ({ cert }) => ({ cert: patched(cert, 1, '84ffffffff') })],
  ['with a length of eight octets', ({ cert }) => ({ cert: patched(cert, 1, '88ffffffffffffffff') })],
  ['with lengths left open and no end', ({ cert }) => ({ cert: patched(cert, 1, '80') })],
  [
    'with its lines in upper case',
    ({ cert }) => ({ cert: Buffer.from(cert.toString('latin1').toUpperCase(), 'latin1') }),
  ],
  ['through a converter to UTF-8', ({ cert }) => changed(cert, Buffer.from(cert.toString('utf8')))],
  ['through FTP in text mode', ({ cert }) => changedBinary(cert)],
];

/** At least 300 of them. @param files the same pair in every format */
export function corpus(files: readonly FormatFile[]): Hostile[] {
  const harmed = files.flatMap((file) =>
    HARMS.flatMap(([name, harm]) => {
      const result = harm(file);
      if (result === null) return [];
      const whole = { cert: file.cert, key: file.key ?? empty, password: PASSWORD };
      return [{ ...whole, ...result, name: `${file.format}, ${name}` }];
    }),
  );
  return [...harmed, ...bombs()];
}

function cut(name: string, length: (size: number) => number): (typeof HARMS)[number] {
  return [
    name,
    ({ cert, key }) =>
      key === undefined
        ? { cert: cert.subarray(0, length(cert.length)) }
        : { key: key.subarray(0, length(key.length)) },
  ];
}

/** One octet is another, spread over what can be checked. */
function flip(eighth: number): (typeof HARMS)[number] {
  return [
    `with another octet in its ${eighth}. eighth`,
    ({ cert, trustedFrom = cert.length }) => {
      const at = Math.floor(((eighth - 0.5) * trustedFrom) / 8);
      const copy = Buffer.from(cert);
      // Within base64 every sixth bit counts; a line's end stays one.
      copy[at] = copy[at] === 0x0a ? 0x21 : (copy[at] ?? 0) ^ 0x05;
      return { cert: copy };
    },
  ];
}

function patched(cert: Buffer, at: number, hex: string): Buffer {
  const copy = Buffer.from(cert);
  copy.write(hex, at, 'hex');
  return copy;
}

/** Null: PEM survives it. */
const changed = (before: Buffer, after: Buffer) => (before.equals(after) ? null : { cert: after });

function changedBinary(cert: Buffer): Partial<Hostile> | null {
  if (isText(cert)) return null;
  const after = Buffer.from(cert.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
  return changed(cert, after);
}

const isText = (bytes: Buffer) => bytes.every((octet) => octet < 0x80);

const isLocked = ({ cert, key }: { cert: Buffer; key: Buffer | undefined }) =>
  key === undefined ? !cert.includes('-----BEGIN') : key.includes('ENCRYPTED') || key.includes(PBES2);

const PBES2 = Buffer.from('06092a864886f70d01050d', 'hex');
