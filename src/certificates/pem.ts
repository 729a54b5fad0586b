import * as crypto from 'node:crypto';
import { DerReader } from './der';

/** For one decoded body at a time; larger bodies get memory of their own. */
const scratch = Buffer.allocUnsafeSlow(16_384);

/** A PEM block (RFC 7468). */
export class PemBlock {
  #der: Buffer | null = null;

  constructor(
    readonly label: string,
    /** The text around it: block and body are cut out of it only where they are needed. */
    private readonly source: string,
    private readonly start: number,
    private readonly end: number,
  ) {}

  /** The block as it stands in the text. */
  get text(): string {
    return this.source.slice(this.start, this.end);
  }

  isText(other: string): boolean {
    return other.length === this.end - this.start && this.source.startsWith(other, this.start);
  }

  private get body(): string {
    const { length } = this.label;
    const begin = this.start + BEGIN.length + length + DASHES.length;
    return this.source.slice(begin, this.end - END.length - length - DASHES.length);
  }

  /** The decoded body, decoded at the first read: most certificates are never looked into. */
  get der(): Buffer {
    this.#der ??= isPrivateKey(this) ? decodeAlone(this.body) : this.decodeShared();
    return this.#der;
  }

  private decodeShared(): Buffer {
    const bytes = Buffer.from(this.body, 'base64');
    // OpenSSL's trust settings follow the certificate.
    return this.label === TRUSTED ? firstValueOf(bytes) : bytes;
  }

  /** SHA-256 (base64url) of the decoded body and a text after it; the body is not kept, since it may be a key. */
  digestWith(text: string): string {
    const { body } = this;
    const most = body.length + text.length;
    const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafeSlow(most);
    const length = this.#der === null ? bytes.write(body, 'base64') : this.#der.copy(bytes);
    try {
      const end = length + bytes.write(text, length, 'latin1');
      return crypto.hash('sha256', bytes.subarray(0, end), 'base64url');
    } finally {
      bytes.fill(0, 0, length);
    }
  }

  /** The block in the standard form that every PEM reader accepts; it may have been indented, or on one line. */
  get pem(): string {
    return encodePem(this.label, this.der);
  }

  /** Whether the body is encrypted, by PKCS#8 or by RFC 1421 headers. */
  get encrypted(): boolean {
    return this.label === 'ENCRYPTED PRIVATE KEY' || this.body.includes('ENCRYPTED');
  }
}

/** More than fit into a file of 1 MiB unless it was made to be hostile. Further blocks are not read. */
export const MAX_BLOCKS = 1_000;

/** A copy in memory of its own: small buffers share memory, and a certificate that is kept must not keep a key. */
function decodeAlone(base64: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(base64, 'base64'));
  return bytes.subarray(0, bytes.write(base64, 'base64'));
}

function firstValueOf(bytes: Buffer): Buffer {
  try {
    return bytes.subarray(0, new DerReader(bytes).next().end);
  } catch {
    return bytes;
  }
}

/** Label of the blocks that `openssl x509 -trustout` writes. */
const TRUSTED = 'TRUSTED CERTIFICATE';
/** Line breaks as JSON and environment files hold them. */
const ESCAPED_BREAKS = /\\[nr]/g;
const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
/** The end of the usual block, which need not be put together for each. */
const END_OF_CERTIFICATE = `${END}CERTIFICATE${DASHES}`;

/**
 * Splits a text into its PEM blocks; whatever stands between them (comments, bag attributes) is passed over.
 * At most one block more than `MAX_BLOCKS` is read, so that callers can tell.
 * @returns the blocks, or null when one begins and does not end: a file that is still being written.
 */
export function decodePem(text: string): PemBlock[] | null {
  const blocks: PemBlock[] = [];
  let at = text.indexOf(BEGIN);
  while (at !== -1 && blocks.length <= MAX_BLOCKS) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length);
    if (labelEnd === -1) return null;
    const bodyStart = labelEnd + DASHES.length;
    if (blocks.length === 0 && (text.startsWith('\\n', bodyStart) || text.startsWith('\\r', bodyStart)))
      return decodePem(text.replace(ESCAPED_BREAKS, '\n'));
    const label = text.slice(at + BEGIN.length, labelEnd);
    const mark = label === 'CERTIFICATE' ? END_OF_CERTIFICATE : `${END}${label}${DASHES}`;
    const bodyEnd = text.indexOf(mark, labelEnd);
    if (bodyEnd === -1) return null;
    const end = bodyEnd + mark.length;
    const next = text.indexOf(BEGIN, bodyStart);
    // Another block begins before this one ends: a line is missing.
    if (next !== -1 && next < bodyEnd) return null;
    blocks.push(new PemBlock(label, text, at, end));
    at = next === -1 || next >= end ? next : text.indexOf(BEGIN, end);
  }
  return blocks;
}

const LINE_CHARS = 64;

export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = [`-----BEGIN ${label}-----`];
  for (let at = 0; at < base64.length; at += LINE_CHARS) lines.push(base64.slice(at, at + LINE_CHARS));
  lines.push(`-----END ${label}-----\n`);
  return lines.join('\n');
}

export function encodeCertificates(chain: readonly Uint8Array[]): string {
  return chain.map((der) => encodePem('CERTIFICATE', der)).join('');
}

export const isCertificate = (block: PemBlock): boolean =>
  block.label === 'CERTIFICATE' || block.label === 'X509 CERTIFICATE' || block.label === TRUSTED;

export const isPrivateKey = (block: PemBlock): boolean => block.label.endsWith('PRIVATE KEY');
