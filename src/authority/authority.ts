import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';
import { asn1, util } from 'node-forge';

/** Kinds of key that `Authority` makes; `rsa-1024` exists to be refused. */
export type KeyKind = 'p256' | 'p384' | 'rsa-2048' | 'rsa-1024' | 'ed25519';

export interface IssueOptions {
  /** DNS names or IP addresses of the subjectAltName; the first is also the common name. */
  names: readonly string[];
  /** A kind for a new key pair, or the private key to reuse. Default `p256`. */
  key?: KeyKind | KeyObject;
  /** Default: one minute ago. */
  notBefore?: Date;
  /** Default: 90 days after `notBefore`. */
  notAfter?: Date;
  /** Default `sha256`; ignored by Ed25519 issuers. */
  digest?: 'sha256' | 'sha384' | 'sha1' | 'md5';
  /** Marks the certificate as a CA. Default false. */
  ca?: boolean;
  /** Extended key usage. Default: none, which allows both. */
  usage?: 'client' | 'server';
  /** Leaves the subjectAltName out, as very old tools do. */
  withoutNames?: boolean;
  /** Further extensions, each with the DER of its value; one with the id of a usual one takes its place. */
  extensions?: readonly { id: string; critical?: boolean; value: Buffer }[];
  /** DER of a public key (SubjectPublicKeyInfo) to certify in place of that of `key`. */
  publicKey?: Buffer;
}

/** A certificate with its key, PEM texts ending in a line feed. */
export interface Issued {
  /** The leaf alone. */
  cert: string;
  /** Leaf, then every intermediate; the root is left out. */
  chain: string;
  /** PKCS#8. */
  key: string;
  privateKey: KeyObject;
}

const { Class, Type } = asn1;
const DAY_MS = 86_400_000;

const SIGNATURE_OIDS: Record<string, string> = {
  'ec:sha256': '1.2.840.10045.4.3.2',
  'ec:sha384': '1.2.840.10045.4.3.3',
  'ec:sha1': '1.2.840.10045.4.1',
  'rsa:sha256': '1.2.840.113549.1.1.11',
  'rsa:sha384': '1.2.840.113549.1.1.12',
  'rsa:sha1': '1.2.840.113549.1.1.5',
  'rsa:md5': '1.2.840.113549.1.1.4',
  ed25519: '1.3.101.112',
};

const USAGES = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;

const seq = (...items: asn1.Asn1[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
const set = (...items: asn1.Asn1[]) => asn1.create(Class.UNIVERSAL, Type.SET, true, items);
const oid = (id: string) => asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(id).getBytes());
const utf8 = (text: string) =>
  asn1.create(Class.UNIVERSAL, Type.UTF8, false, Buffer.from(text, 'utf8').toString('latin1'));
const octets = (der: string) => asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, der);
const bits = (der: string) => asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\x00${der}`);
const bool = (value: boolean) => asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, value ? '\xff' : '\x00');
/** Context-specific tags are plain numbers; forge's types know only the universal ones. */
const context = (tag: number, constructed: boolean, value: string | asn1.Asn1[]) =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
  asn1.create(Class.CONTEXT_SPECIFIC, tag, constructed, value);
const der = (node: asn1.Asn1) => asn1.toDer(node).getBytes();

function time(date: Date): asn1.Asn1 {
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

function distinguishedName(commonName: string): asn1.Asn1 {
  return seq(set(seq(oid('2.5.4.3'), utf8(commonName))));
}

function extension(id: string, critical: boolean, value: asn1.Asn1 | string): asn1.Asn1 {
  const content = typeof value === 'string' ? value : der(value);
  return seq(oid(id), ...(critical ? [bool(true)] : []), octets(content));
}

function alternativeName(name: string): asn1.Asn1 {
  switch (isIP(name)) {
    case 4:
      return context(7, false, String.fromCharCode(...name.split('.').map(Number)));
    case 6:
      return context(7, false, ipv6Octets(name));
    default:
      return context(2, false, name);
  }
}

function ipv6Octets(address: string): string {
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const groups = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex').toString('latin1');
}

function pem(label: string, binary: string): string {
  const lines = util.encode64(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function makeKey(kind: KeyKind): KeyObject {
  switch (kind) {
    case 'p256':
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'prime256v1' : 'secp384r1' })
        .privateKey;
    case 'rsa-2048':
    case 'rsa-1024':
      return generateKeyPairSync('rsa', { modulusLength: kind === 'rsa-2048' ? 2048 : 1024 }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
  }
}

interface Subject {
  spki: string;
  keyId: string;
}

const publicKeyOf = (privateKey: KeyObject): Buffer =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'der' });

function subjectOf(publicKey: Buffer): Subject {
  return {
    spki: publicKey.toString('latin1'),
    keyId: createHash('sha1').update(publicKey).digest().toString('latin1'),
  };
}

/**
 * A throw-away certificate authority: a self-signed root and any number of intermediates and leaves, made in
 * memory. For tests, the demo and rehearsals; nothing about it is meant to be trusted.
 */
export class Authority {
  readonly #subject: Subject;

  private constructor(
    /** The common name. */
    readonly name: string,
    readonly privateKey: KeyObject,
    /** This authority's own certificate. */
    readonly cert: string,
    /** This authority's certificate and those above it, without the root: what a leaf's chain ends with. */
    readonly chain: string,
  ) {
    this.#subject = subjectOf(publicKeyOf(privateKey));
  }

  /** A new self-signed root. */
  static root(name = 'Throw-away Root', options: Partial<IssueOptions> = {}): Authority {
    const privateKey = typeof options.key === 'object' ? options.key : makeKey(options.key ?? 'p256');
    const own = subjectOf(publicKeyOf(privateKey));
    const cert = certificate({ names: [name], ...options, ca: true, withoutNames: true }, own, {
      name,
      privateKey,
      keyId: own.keyId,
    });
    return new Authority(name, privateKey, cert, '');
  }

  /** An intermediate signed by this authority. Pass `key` to renew one: same key, new certificate. */
  intermediate(name = 'Throw-away Intermediate', options: Partial<IssueOptions> = {}): Authority {
    const issued = this.issue({ ...options, names: [name], ca: true, withoutNames: true });
    return new Authority(name, issued.privateKey, issued.cert, issued.chain);
  }

  /** A leaf (or, with `ca`, an intermediate) signed by this authority. */
  issue(options: IssueOptions): Issued {
    const privateKey = typeof options.key === 'object' ? options.key : makeKey(options.key ?? 'p256');
    const cert = certificate(options, subjectOf(options.publicKey ?? publicKeyOf(privateKey)), {
      name: this.name,
      privateKey: this.privateKey,
      keyId: this.#subject.keyId,
    });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { cert, chain: cert + this.chain, key, privateKey };
  }
}

interface Issuer {
  name: string;
  privateKey: KeyObject;
  keyId: string;
}

/** One X.509 v3 certificate (RFC 5280) as PEM. */
function certificate(options: IssueOptions, subject: Subject, issuer: Issuer): string {
  const notBefore = options.notBefore ?? new Date(Date.now() - 60_000);
  const notAfter = options.notAfter ?? new Date(notBefore.getTime() + 90 * DAY_MS);
  const digest = options.digest ?? 'sha256';
  const kind = issuer.privateKey.asymmetricKeyType ?? '';
  const algorithmId = SIGNATURE_OIDS[kind === 'ed25519' ? kind : `${kind}:${digest}`];
  if (algorithmId === undefined) throw new Error(`authority: a ${kind} key cannot sign with ${digest}`);
  const algorithm = seq(
    oid(algorithmId),
    ...(kind === 'rsa' ? [asn1.create(Class.UNIVERSAL, Type.NULL, false, '')] : []),
  );
  const extensions = new Map<string, asn1.Asn1>();
  const add = (id: string, critical: boolean, value: asn1.Asn1 | string) =>
    extensions.set(id, extension(id, critical, value));
  add('2.5.29.19', true, options.ca === true ? seq(bool(true)) : seq());
  add('2.5.29.14', false, octets(subject.keyId));
  add('2.5.29.35', false, seq(context(0, false, issuer.keyId)));
  if (options.usage !== undefined) add('2.5.29.37', false, seq(oid(USAGES[options.usage])));
  if (options.withoutNames !== true) add('2.5.29.17', false, seq(...options.names.map(alternativeName)));
  for (const { id, critical = false, value } of options.extensions ?? []) {
    add(id, critical, value.toString('latin1'));
  }
  // A first octet of 0x40..0x7f keeps the serial positive and of one length.
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const tbs = seq(
    context(0, true, [asn1.create(Class.UNIVERSAL, Type.INTEGER, false, '\x02')]),
    asn1.create(Class.UNIVERSAL, Type.INTEGER, false, serial.toString('latin1')),
    algorithm,
    distinguishedName(issuer.name),
    seq(time(notBefore), time(notAfter)),
    distinguishedName(options.names[0] ?? ''),
    asn1.fromDer(subject.spki),
    context(3, true, [seq(...extensions.values())]),
  );
  const signature = sign(
    kind === 'ed25519' ? null : digest,
    Buffer.from(der(tbs), 'latin1'),
    issuer.privateKey,
  );
  return pem('CERTIFICATE', der(seq(tbs, algorithm, bits(signature.toString('latin1')))));
}
