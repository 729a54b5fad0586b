import {
  halfKey,
  type Digest,
  type Half,
  type KeyType,
  type ServedObservation,
  type Shown,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { ask, leafOf, type Listener } from './listeners';
import { probeName, unservable } from './names';

export interface SpotCheckOptions {
  /** Present TLS listeners of this Kong. */
  listeners: () => readonly Listener[];
  timeoutMs: number;
  certificates: () => ReadonlyMap<string, StoredCertificate>;
  /** The last observation of a certificate. */
  seen: (certificate: string, half: Half) => ServedObservation | undefined;
  /** Further listeners (of streams) that show the certificate of a name, asked after the others; default: none. */
  streams?: {
    /** Called before each round. */
    ready: () => Promise<void>;
    at: (sni: string, certificate: string, half: Half) => readonly Listener[];
  };
}

/** Names of one certificate that are asked for at a time, at the first listener that answers. */
export const MAX_NAMES_ASKED = 5;

/** Half of a certificate that listeners are asked for. */
export interface Candidate {
  id: string;
  half: Half;
  chain: Digest;
  snis: readonly string[];
  keyType: KeyType | undefined;
}

/** Asks listeners for some names of a certificate, and judges the answers. */
export class SpotCheck {
  /** Former leaves of halves of certificates. */
  readonly #former = new Map<string, string>();
  /** The leaf that a client without SNI got at the last mismatch. */
  #defaultLeaf: string | null = null;

  constructor(private readonly options: SpotCheckOptions) {}

  /** Asks for some of its names; one that is served by something else than Kong decides nothing about the others. */
  async look(candidate: Candidate): Promise<ServedObservation> {
    const { chain, snis, keyType } = candidate;
    const seen: ServedObservation = {
      verdict: 'unreachable',
      expected: chain,
      fingerprint: null,
      notAfter: null,
      at: Date.now(),
      detail: 'it has no SNI to ask for',
    };
    const apart = snis.flatMap((sni) => unservable(sni) ?? []);
    const asked = snis.filter((sni) => unservable(sni) === null).slice(0, MAX_NAMES_ASKED);
    const former = this.formerLeaf(candidate);
    const before = this.options.seen(candidate.id, candidate.half);
    const wasServed =
      before?.expected === chain &&
      (before.verdict === 'wrong' || (before.verdict === 'served' && before.detail === ''));
    const others: Other[] = [];
    const late: Other[] = [];
    for (const sni of asked) {
      const { shown, listener } = await this.ask(sni, keyType);
      if (shown === null || shown.kind === 'silent')
        return { ...seen, detail: [shown?.detail ?? NOBODY, ...apart].join('; ') };
      if (shown.kind === 'refused') others.push({ shown, detail: shown.detail });
      else if (!isSameChain(shown.chain, chain)) others.push(another(listener, shown, sni));
      late.push(...(await this.askStreams(sni, candidate)));
    }
    if (others.length === asked.length && asked.length > 0)
      this.#defaultLeaf = await this.askDefault(keyType);
    const wrong = [
      ...others.filter(({ shown }) => wasServed || this.isWrong(shown, former, others.length < asked.length)),
      ...late,
    ];
    const [first] = [...wrong, ...others];
    const sentences = [...(wrong.length > 0 ? wrong : others).map(({ detail }) => detail), ...apart];
    const isAnyServed = asked.length > others.length;
    return {
      ...seen,
      verdict:
        wrong.length > 0 ? 'wrong' : isAnyServed ? 'served' : others.length > 0 ? 'another' : 'unreachable',
      ...(first?.shown.kind === 'chain' && !(wrong.length === 0 && isAnyServed)
        ? { fingerprint: first.shown.fingerprint, notAfter: first.shown.notAfter }
        : {}),
      detail: asked.length === 0 && apart.length === 0 ? seen.detail : sentences.join('; '),
    };
  }

  /**
   * Whether the answer for one name proves that the certificate is not served.
   * @param isAnyServed another name of it is served as it should be
   */
  private isWrong(shown: Shown, former: string | null, isAnyServed: boolean): boolean {
    if (shown.kind !== 'chain') return true;
    const leaf = leafOf(shown.chain);
    if (leaf === former) return true;
    for (const { main, alt } of this.options.certificates().values()) {
      if (leafOf(main.chain) === leaf || (alt !== null && leafOf(alt.chain) === leaf)) return !isAnyServed;
    }
    // Kong does not store it: the acme plugin, something in front of Kong, or the files for clients without SNI.
    return !isAnyServed && leaf === this.#defaultLeaf;
  }

  /** Asks the first listener that answers. */
  private async ask(sni: string, keyType: KeyType | undefined): Promise<Answer> {
    let last: Answer = { shown: null };
    for (const listener of this.options.listeners()) {
      const shown = await ask({ ...listener, sni }, keyType, this.options.timeoutMs);
      last = { shown, listener };
      if (shown.kind !== 'silent') return last;
    }
    return last;
  }

  /** Stream listeners that show another certificate. Only Kong answers there; a listener without an answer proves nothing. */
  private async askStreams(sni: string, { id, half, chain, keyType }: Candidate): Promise<Other[]> {
    const others: Other[] = [];
    for (const listener of this.options.streams?.at(sni, id, half) ?? []) {
      const shown = await ask({ ...listener, sni }, keyType, this.options.timeoutMs);
      if (shown.kind === 'chain' && !isSameChain(shown.chain, chain))
        others.push(another(listener, shown, sni));
    }
    return others;
  }

  private async askDefault(keyType: KeyType | undefined): Promise<string | null> {
    for (const listener of this.options.listeners()) {
      const shown = await ask({ ...listener, sni: null }, keyType, this.options.timeoutMs);
      if (shown.kind === 'chain') return leafOf(shown.chain);
    }
    return null;
  }

  /** The certificate's former leaf is wrong for it, though Kong no longer stores it. */
  private formerLeaf(candidate: Candidate): string | null {
    const { id, half, chain } = candidate;
    const key = keyOf(candidate);
    const seen = this.options.seen(id, half);
    if (seen !== undefined && leafOf(seen.expected) !== leafOf(chain))
      this.#former.set(key, leafOf(seen.expected));
    return this.#former.get(key) ?? null;
  }
}

/** Another certificate that was shown for a name. */
interface Other {
  shown: Shown;
  detail: string;
}

const another = ({ host, port }: Listener, shown: Extract<Shown, { kind: 'chain' }>, sni: string): Other => ({
  shown,
  detail: `${host}:${port} serves ${shown.fingerprint} for ${probeName(sni)}`,
});

type Answer = { shown: null; listener?: never } | { shown: Shown; listener: Listener };

const NOBODY = 'this Kong has no TLS listener to ask';

export function candidateOf(
  certificate: StoredCertificate,
  half: Half,
  { chain, leaf }: StoredHalf,
): Candidate {
  const keyType = leaf?.keyType ?? 'other';
  const hasTwin = certificate.alt !== null && keyType !== 'other';
  return {
    id: certificate.id,
    half,
    chain,
    snis: certificate.snis,
    keyType: hasTwin ? keyType : undefined,
  };
}

export const keyOf = ({ id, half }: Candidate) => halfKey(id, half);

export const isAskable = ({ snis }: Pick<Candidate, 'snis'>): boolean =>
  snis.some((sni) => unservable(sni) === null);

/**
 * Kong sends what it stores. Node drops duplicates, sorts the rest in the order of issuers, and may lose the end of
 * what was not in it.
 */
function isSameChain(sent: Digest, expected: Digest): boolean {
  if (sent === expected) return true;
  const parts = new Set(expected.split('.'));
  const shown = sent.split('.');
  const [leaf] = parts;
  return shown[0] === leaf && shown.length >= Math.min(parts.size, 2) && shown.every((one) => parts.has(one));
}
