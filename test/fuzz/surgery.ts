import { PASSWORD, type FormatFile } from '../support/format-files';
import { valueAt } from '../support/ber';
import type { Hostile } from './corpus';

/** A DER value with what is inside of it, as far as that is DER, too. */
interface Node {
  tag: number;
  content: Buffer;
  children: Node[] | null;
  /** Octets before the children: a bit string counts its unused bits. */
  prefix: Buffer;
}

const MIB = 1024 * 1024;

/** Operations on each value of a file; null: not applicable to this value. */
const OPERATIONS: readonly [string, (encoded: Buffer, node: Node) => Buffer | null][] = [
  ['is missing', () => Buffer.alloc(0)],
  ['comes twice', (encoded) => Buffer.concat([encoded, encoded])],
  ['is repeated until the file is full', (encoded) => Buffer.alloc(MIB * 0.7, encoded)],
  ['is empty', ({ 0: tag = 0 }) => Buffer.of(tag, 0)],
  ['is empty, and its length has an octet too many', (_, { tag }) => Buffer.of(tag, 0x81, 0)],
  [
    'is of another kind',
    (encoded) => Buffer.concat([Buffer.of((encoded[0] ?? 0) ^ 0x21), encoded.subarray(1)]),
  ],
  ['is as long as the file may be', (_, { tag }) => encode(tag, Buffer.alloc(MIB * 0.7, 0x11))],
  [
    'holds itself thirty times',
    (encoded, { tag, children }) => (children === null ? null : wrapped(tag, encoded, 30)),
  ],
  [
    'holds itself ten thousand times',
    (encoded, { tag, children }) => (children === null ? null : wrapped(tag, encoded, 10_000)),
  ],
  ['is two billion', (_, { tag }) => (tag === 0x02 ? Buffer.from('02047fffffff', 'hex') : null)],
];

/** Every value of every DER file is operated on; the file around it stays DER. */
export function surgeries(files: readonly FormatFile[]): Hostile[] {
  const done = new Set<string>();
  const isNew = (der: Buffer) => {
    const before = done.size;
    return der[0] === 0x30 && done.add(der.toString('base64')).size > before;
  };
  return files.flatMap(({ format, cert, key = Buffer.alloc(0) }) => [
    ...(isNew(cert)
      ? operated(cert).map(({ name, bytes }) => hostile(`${format}: ${name}`, bytes, key))
      : []),
    ...(isNew(key)
      ? operated(key).map(({ name, bytes }) => hostile(`key of ${format}: ${name}`, cert, bytes))
      : []),
  ]);
}

const hostile = (name: string, cert: Buffer, key: Buffer): Hostile => ({
  name,
  cert,
  key,
  password: PASSWORD,
});

function operated(der: Buffer): { name: string; bytes: Buffer }[] {
  const root = parse(der);
  const nodes = flat(root);
  return nodes.flatMap((node, index) =>
    OPERATIONS.flatMap(([name, operate]) => {
      const changed = operate(encodeNode(node), node);
      if (changed === null) return [];
      return [
        { name: `value ${index} ${name}`, bytes: encodeNode(root, node, changed).subarray(0, MIB - 8192) },
      ];
    }),
  );
}

function parse(der: Buffer): Node {
  const { tag, start, end } = valueAt(der, 0);
  const content = der.subarray(start, end);
  const prefix = tag === 0x03 ? content.subarray(0, 1) : Buffer.alloc(0);
  const mayHold = (tag & 0x20) !== 0 || tag === 0x03 || tag === 0x04;
  return { tag, content, prefix, children: mayHold ? childrenOf(content.subarray(prefix.length)) : null };
}

/** Null where it is not DER through and through. */
function childrenOf(content: Buffer): Node[] | null {
  const children: Node[] = [];
  for (let at = 0; at < content.length;) {
    const length = content[at + 1] ?? 0x80;
    if (length === 0x80 || length > 0x83 || content.length - at < (length < 0x80 ? 2 : 5)) return null;
    const { end } = valueAt(content, at);
    if (end > content.length || (content[at] ?? 0) === 0) return null;
    children.push(parse(content.subarray(at, end)));
    at = end;
  }
  return children.length === 0 ? null : children;
}

const flat = (node: Node): Node[] => [node, ...(node.children ?? []).flatMap(flat)];

function encodeNode(node: Node, target?: Node, replacement?: Buffer): Buffer {
  if (node === target && replacement !== undefined) return replacement;
  if (node.children === null) return encode(node.tag, node.content);
  const inside = node.children.map((child) => encodeNode(child, target, replacement));
  return encode(node.tag, Buffer.concat([node.prefix, ...inside]));
}

function encode(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const octets = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 3;
  const header = Buffer.alloc(2 + octets);
  header[0] = tag;
  header[1] = 0x80 | octets;
  header.writeUIntBE(length, 2, octets);
  return Buffer.concat([header, content]);
}

function wrapped(tag: number, encoded: Buffer, depth: number): Buffer {
  // From the inside out, the lengths first: copying at each level would be quadratic.
  const headers: Buffer[] = [];
  let { length } = encoded;
  for (let level = 0; level < depth; level++) {
    const header = encode(tag, Buffer.alloc(0));
    const octets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : 3;
    const whole = Buffer.alloc(2 + octets);
    whole[0] = header[0] ?? 0;
    if (octets === 0) whole[1] = length;
    else {
      whole[1] = 0x80 | octets;
      whole.writeUIntBE(length, 2, octets);
    }
    headers.push(whole);
    length += whole.length;
  }
  return Buffer.concat([...headers.reverse(), encoded]);
}
