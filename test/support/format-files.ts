import { createHash, createPrivateKey } from 'node:crypto';
import { asn1, pki, pkcs12 } from 'node-forge';
import { Authority, type Issued } from '../../src/authority/authority';
import { definite } from './ber';
import { blocksOf, derOf } from './bundles';

/** One renewed pair in one format. */
export interface FormatFile {
  format: string;
  cert: Buffer;
  key?: Buffer;
  /**
   * Octets from here on may be anything without that it could be seen: the signature of an intermediate needs the
   * root.
   */
  trustedFrom?: number;
}

export const PASSWORD = 'opensesame';

const objectId = (hex: string) => Buffer.from(hex, 'hex');

/** The same pair in every format; made without any tool, and with few iterations, so that thousands can be read. */
export function filesOfEveryFormat({ chain, key }: Issued, iterations = 16): FormatFile[] {
  const pem = Buffer.from(chain);
  const certificates = blocksOf(chain).map(derOf);
  const [leaf = Buffer.alloc(0)] = certificates;
  const der = Buffer.concat(certificates);
  const plain = derOf(key);
  const leafEnd = blocksOf(chain)[0]?.length ?? 0;
  const options = { cipher: 'aes-256-cbc', passphrase: PASSWORD } as const;
  const locked = createPrivateKey(key).export({ type: 'pkcs8', format: 'der', ...options });
  const traditional = () => createPrivateKey(key).export({ type: 'pkcs1', format: 'pem', ...options });
  const p7b = pkcs7(certificates);
  return [
    { format: 'PEM', cert: pem, key: Buffer.from(key), trustedFrom: leafEnd },
    { format: 'PEM in one file', cert: Buffer.from(key + chain), trustedFrom: key.length + leafEnd },
    { format: 'PEM, old encrypted key', cert: pem, key: Buffer.from(traditional()), trustedFrom: leafEnd },
    { format: 'DER', cert: der, key: plain, trustedFrom: leaf.length },
    { format: 'DER with an encrypted key', cert: der, key: locked, trustedFrom: leaf.length },
    { format: 'PKCS#7', cert: p7b, key: plain, trustedFrom: p7b.indexOf(leaf) + leaf.length },
    { format: 'PKCS#12 with AES', cert: p12(chain, key, 'aes256', iterations) },
    { format: 'PKCS#12 with triple DES', cert: p12(chain, key, '3des', iterations) },
    { format: 'JKS', cert: jks([{ alias: 'site', key: plain, chain: certificates }]) },
    {
      format: 'PKCS#12 in base64',
      cert: Buffer.from(p12(chain, key, 'aes128', iterations).toString('base64')),
    },
  ];
}

/** Issuer and leaf with RSA keys: node-forge writes PKCS#12 for no others. */
export const rsaIssuer = (): Authority =>
  Authority.root('RSA Root', { key: 'rsa-2048' }).intermediate('RSA Intermediate', { key: 'rsa-2048' });

export function p12(chain: string, key: string, algorithm: 'aes128' | 'aes256' | '3des', count = 16): Buffer {
  const certificates = blocksOf(chain).map((pem) => pki.certificateFromPem(pem));
  const file = pkcs12.toPkcs12Asn1(pki.privateKeyFromPem(key), certificates, PASSWORD, { algorithm, count });
  return Buffer.from(asn1.toDer(file).getBytes(), 'latin1');
}

export function pkcs7(certificates: readonly Buffer[]): Buffer {
  const content = Buffer.concat([
    objectId('020101'),
    definite(0x31, Buffer.alloc(0)),
    definite(0x30, objectId('06092a864886f70d010701')),
    definite(0xa0, Buffer.concat(certificates)),
  ]);
  const signedData = definite(0xa0, definite(0x30, content));
  return definite(0x30, Buffer.concat([objectId('06092a864886f70d010702'), signedData]));
}

export interface JksEntry {
  alias: string;
  /** PKCS#8. */
  key: Buffer;
  chain: readonly Buffer[];
}

/** A Java keystore of version 2, as keytool writes it. */
export function jks(entries: readonly JksEntry[], password = PASSWORD): Buffer {
  const body = Buffer.concat([
    Buffer.from('feedfeed', 'hex'),
    uint32(2),
    uint32(entries.length),
    ...entries.flatMap(({ alias, key, chain }) => [
      uint32(1),
      text(alias),
      Buffer.alloc(8),
      sized(protect(key, password)),
      uint32(chain.length),
      ...chain.flatMap((der) => [text('X.509'), sized(der)]),
    ]),
  ]);
  const digest = createHash('sha1').update(utf16(password)).update('Mighty Aphrodite').update(body).digest();
  return Buffer.concat([body, digest]);
}

function protect(key: Buffer, password: string): Buffer {
  const secret = utf16(password);
  const salt = Buffer.alloc(20, 7);
  let state = salt;
  const stream: Buffer[] = [];
  for (let length = 0; length < key.length; length += 20) {
    state = createHash('sha1').update(secret).update(state).digest();
    stream.push(state);
  }
  const mask = Buffer.concat(stream);
  const hidden = key.map((octet, index) => octet ^ (mask[index] ?? 0));
  const check = createHash('sha1').update(secret).update(key).digest();
  const algorithm = definite(0x30, objectId('060a2b060104012a021101010500'));
  return definite(0x30, Buffer.concat([algorithm, definite(0x04, Buffer.concat([salt, hidden, check]))]));
}

const utf16 = (password: string) => Buffer.from(password, 'utf16le').swap16();
const sized = (bytes: Buffer) => Buffer.concat([uint32(bytes.length), bytes]);

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
