import * as crypto from 'node:crypto';
import { Slices } from '../../common/slices';
import type { DeclarativeDocument } from './document';

/** A configuration ready to be posted. */
export interface Encoded {
  /** The request's body: `{"config": "…"}`. */
  body: Buffer;
  /** Kong's hash of it: the MD5 of the text (kong/db/declarative/init.lua). */
  hash: string;
  /** The text itself. */
  parts: readonly string[];
  /** Its length in characters. */
  size: number;
}

/** Large enough to cost little, small enough to let other work go on. */
const PART_CHARS = 256 * 1024;

/** Makes the body of a post in slices: of 50 MB, one JSON.stringify alone takes a quarter of a second. */
export async function encode(document: DeclarativeDocument): Promise<Encoded> {
  const slices = new Slices();
  const md5 = crypto.createHash('md5');
  const parts: string[] = [];
  const buffers = [Buffer.from('{"config":"')];
  let size = 0;
  const add = (part: string) => {
    parts.push(part);
    size += part.length;
    md5.update(part);
    buffers.push(Buffer.from(JSON.stringify(part).slice(1, -1)));
  };
  let open = '';
  for (const piece of document.parts()) {
    open += piece;
    if (open.length < PART_CHARS) continue;
    add(open);
    open = '';
    await slices.pause();
  }
  add(open);
  buffers.push(Buffer.from('"}'));
  return { body: Buffer.concat(buffers), hash: md5.digest('hex'), parts, size };
}

const START = /^\s*\{\s*"config"\s*:\s*"/;
const BACKSLASH = 0x5c;

/** The text of a configuration from Kong's answer `{"config": "…"}`, in parts; null: another answer. */
export async function decode(body: Buffer): Promise<readonly string[] | null> {
  const from = START.exec(body.toString('latin1', 0, 64))?.[0].length;
  const to = body.lastIndexOf('"');
  if (from === undefined || to < from || !/^\s*\}\s*$/.test(body.toString('latin1', to + 1))) return null;
  const parts: string[] = [];
  const slices = new Slices();
  for (let at = from; at < to;) {
    const end = boundary(body, Math.min(at + PART_CHARS, to), at, to);
    parts.push(JSON.parse(`"${body.toString('utf8', at, end)}"`) as string);
    at = end;
    await slices.pause();
  }
  return parts;
}

/** The last position before `end` that splits neither an escape nor a character. */
function boundary(body: Buffer, end: number, from: number, to: number): number {
  if (end === to) return to;
  for (let at = end; at > from; at--) {
    const isWithinCharacter = ((body[at] ?? 0) & 0xc0) === 0x80;
    // The longest escape is \uXXXX.
    const isWithinEscape = body.subarray(at - 6, at).includes(BACKSLASH);
    if (!isWithinCharacter && !isWithinEscape) return at;
  }
  return to;
}
