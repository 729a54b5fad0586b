import { readPem } from '../certificates';
import { isRefusal, type Digest, type RawBundle, type Refusal, type SecretRef, type Source } from '../model';

/** What was seen of a bundle before it is known whether Kong has it. */
export interface UnmatchedBundle {
  source: Source;
  name: string;
  /** Undefined: not kept, to be read again where it is needed. */
  raw: RawBundle | Refusal | null | undefined;
  location: string;
  secret: SecretRef | undefined;
  hosts: readonly string[] | undefined;
  /** Certificates lie beside it, which may complete its chain. */
  hasIssuers: boolean;
  /** Null where Kong cannot have this very text. */
  pem: { content: Digest; chain: Digest; chainLength: number } | null;
}

/** Texts that are kept until Kong has been asked; those of 10,000 bundles would take 35 MB. */
export const MAX_HELD_CHARS = 2 * 1024 * 1024;

export function unmatched(
  source: Source,
  name: string,
  raw: RawBundle | Refusal | null,
  isKept: boolean,
): UnmatchedBundle {
  if (raw === null || isRefusal(raw))
    return {
      source,
      name,
      raw,
      location: name,
      secret: undefined,
      hosts: undefined,
      hasIssuers: false,
      pem: null,
    };
  const found = readPem(raw.cert, raw.key);
  return {
    source,
    name,
    raw: isKept || found === null ? raw : undefined,
    location: raw.location,
    secret: raw.secret,
    hosts: raw.hosts,
    hasIssuers: raw.issuers !== undefined,
    // Another format than PEM has none of these texts.
    pem:
      found === null || found.certificates.length === 0
        ? null
        : { content: found.content, chain: found.chain, chainLength: found.certificates.length },
  };
}
