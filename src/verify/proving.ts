import { setTimeout as sleep } from 'node:timers/promises';
import type { Expectation, Proof, Shown, Verdict } from '../model';
import { isAdded, judge, type Judgement } from './judge';
import { ask, atMost, leafOf, type Place } from './listeners';
import { unservable } from './names';

const PAUSE_MS = 25;
/** Pause between two tries that the server refuses. */
const REFUSED_PAUSE_MS = 100;
const STREAM_PAUSE_MS = 250;
/** Milliseconds left for what is asked after the time limit of all: it has been in Kong for that long already. */
export const LATE_MS = 2_000;
/** How often Kong is asked whether it still stores the certificate, and how long its answer is waited for. */
const STORED_CHECK_MS = 1_000;
const STORED_ANSWER_MS = 2_000;

/** The proof of one certificate. */
export class Proving {
  readonly #startedAt = performance.now();
  #handshakes = 0;
  #last: Judgement = { verdict: 'unreachable', servedFingerprint: null, detail: '' };
  /** Names for which the certificate was served at least once. */
  readonly #served = new Set<string | null>();
  /** Names for which something else is served, with what was observed. */
  readonly #elsewhere = new Map<string | null, string>();
  /** Whether nothing explains why one of those is not served. */
  #isUnexplained = false;
  /** Once Kong did not say what it stores: its workers may go on with what they knew for `db_resurrect_ttl`. */
  #wasAway = false;
  /** Whether Kong was asked to empty its caches of the certificate. */
  #isEmptied = false;
  /** Kong has said that it stores the certificate, and a handshake was made since. */
  #isSaidToBeStored = false;
  /** Number of answers, and how many of them were refusals by the server. */
  #answers = 0;
  #refusals = 0;
  #deadline: number;
  #checkAt: number;

  constructor(
    private readonly expected: Expectation,
    private places: Place[],
    /** Good handshakes in a row that the proof takes. */
    private readonly rounds: number,
    private readonly timeoutMs: number,
  ) {
    this.#deadline = this.#startedAt + timeoutMs;
    this.#checkAt = this.#startedAt + STORED_CHECK_MS;
  }

  async run(): Promise<Proof> {
    if (this.places.length === 0) return this.proof('unreachable', this.nothingToAsk());
    // Every SNI is asked for at least once, and a single one twice for each worker.
    for (let row = 0; this.places.length > 0 && row < Math.max(this.rounds, this.places.length);) {
      const place = this.places[row % this.places.length] as Place;
      const shown = await this.ask(place);
      if (this.#last.verdict === 'served') {
        this.#served.add(place.sni);
        row += 1;
        continue;
      }
      row = 0;
      if (this.#last.verdict === 'another') {
        this.setAside(place, this.#last.detail);
        continue;
      }
      if (this.leaveListener(place, shown)) continue;
      const end = await this.endsWith(place, shown);
      if (end !== null) return this.proof(end);
      if (place.isStream === true) await sleep(STREAM_PAUSE_MS);
      else await sleep(shown.kind === 'refused' ? REFUSED_PAUSE_MS : PAUSE_MS);
    }
    if (this.places.length > 0 || this.#served.size > 0) return this.proof('served', '');
    return this.proof(this.#isUnexplained ? 'wrong' : 'another', '');
  }

  private async ask(place: Place): Promise<Shown> {
    const shown = await ask(place, this.expected.keyType, this.timeoutMs);
    this.#handshakes += 1;
    if (shown.kind !== 'silent') this.#answers += 1;
    if (shown.kind === 'refused') this.#refusals += 1;
    this.#last = judge(shown, place, this.expected);
    return shown;
  }

  private setAside({ sni }: Place, detail: string): void {
    this.#elsewhere.set(sni, detail);
    this.places = this.places.filter((other) => other.sni !== sni);
  }

  /** A listener that does not answer says nothing as long as another one does. */
  private leaveListener({ host, port }: Place, shown: Shown): boolean {
    if (shown.kind !== 'silent' || shown.isListening) return false;
    const others = this.places.filter((other) => other.host !== host || other.port !== port);
    if (others.length === 0) return false;
    this.places = others;
    return true;
  }

  /** @returns how the proof ends after a wrong answer; null: it goes on */
  private async endsWith(place: Place, shown: Shown): Promise<Verdict | null> {
    const now = performance.now();
    // A server that refuses every client will do so again.
    const isRefused = this.#refusals >= 2 && this.#refusals === this.#answers;
    const isLate = now >= this.#deadline;
    if (now < this.#checkAt && !isLate && !isRefused) return null;
    this.#checkAt = now + STORED_CHECK_MS;
    const isStored = await atMost(STORED_ANSWER_MS, this.expected.isStored());
    if (isStored === false) {
      this.#last.detail = 'somebody else wrote to Kong meanwhile';
      return 'overwritten';
    }
    if (isStored === null) this.#wasAway = true;
    // The handshake before may be of a time when Kong's database was away: one more has the last word.
    const isSaidAgain = this.#isSaidToBeStored && isStored === true;
    this.#isSaidToBeStored = isStored === true;
    if (isStored === true && !isSaidAgain) return null;
    if (isRefused && !this.#wasAway) return 'wrong';
    if (!isLate) return null;
    const { verdict, detail } = this.#last;
    if (verdict === 'unreachable') return verdict;
    if (this.#wasAway) {
      // A Kong that does not say what it stores is shutting down, frozen, or without its database.
      const when = isStored === null ? 'does not say' : 'did not say for a while';
      this.#last.detail = `${detail}, and Kong ${when} whether it still stores it`;
      return 'unreachable';
    }
    if (await this.isExplained(place, shown)) return null;
    return (await this.isEmptied()) ? null : 'wrong';
  }

  /**
   * Has Kong empty its caches of the certificate, once, before it counts as not served: whatever kept its workers from
   * hearing of the write says nothing against the certificate.
   */
  private async isEmptied(): Promise<boolean> {
    if (this.#isEmptied || this.expected.emptyCaches === undefined) return false;
    this.#isEmptied = true;
    if ((await atMost(STORED_ANSWER_MS, this.expected.emptyCaches())) !== true) return false;
    this.#deadline = performance.now() + LATE_MS;
    return true;
  }

  /** Called for a name after the time limit: a name for which this certificate was never served holds up no other. */
  private async isExplained(place: Place, shown: Shown): Promise<boolean> {
    const { expected } = this;
    if (this.#served.has(place.sni) || shown.kind !== 'chain') return false;
    const leaf = leafOf(shown.chain);
    if (expected.previous != null && leaf === leafOf(expected.previous)) return false;
    const isForeign = expected.isKongs?.(leaf) === false && leaf !== (await this.defaultLeaf(place));
    if (!isForeign && !isAdded(place, expected)) return false;
    if (!isForeign) this.#isUnexplained = true;
    const why = isForeign
      ? ', which Kong does not store: its acme plugin, or something in front of it, answers for this name'
      : '';
    this.setAside(place, this.#last.detail + why);
    this.#deadline = performance.now() + LATE_MS;
    return true;
  }

  /** What a client without SNI gets there: it comes from Kong's own files. */
  private async defaultLeaf(place: Place): Promise<string | null> {
    const shown = await ask({ ...place, sni: null }, this.expected.keyType, LATE_MS);
    return shown.kind === 'chain' ? leafOf(shown.chain) : null;
  }

  private nothingToAsk(): string {
    const { snis } = this.expected;
    if (snis.length === 0) return 'it has no SNI to ask for';
    return snis.every((sni) => unservable(sni) !== null) ? '' : 'this Kong has no TLS listener to ask';
  }

  private proof(verdict: Verdict, detail = this.#last.detail): Proof {
    const apart = this.expected.snis.flatMap((sni) => unservable(sni) ?? []);
    const sentences = [detail, ...this.#elsewhere.values(), ...apart].filter((one) => one !== '');
    return {
      verdict,
      servedFingerprint: this.#last.servedFingerprint,
      handshakes: this.#handshakes,
      durationMs: performance.now() - this.#startedAt,
      detail: [...new Set(sentences)].join('; '),
    };
  }
}
