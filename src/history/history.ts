import { join } from 'node:path';
import { LineFile } from '../common/line-file';
import { PLUGIN_NAME } from '../common/product';
import { toJson } from '../common/safe-text';
import {
  keptNames,
  eventKind,
  type Half,
  type LiveView,
  type PassCause,
  type PassEvent,
  type PassReport,
  type Plan,
  type Reporter,
  type SecretRef,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import type { HistoryActor, HistoryEntry, HistoryKind } from '../public';
import { MAX_SNIS } from './entry';
import { Shares } from './share';

/** Default path of the history: one file for all entries, and for `sync`. */
export const historyPath = (prefix: string): string => join(prefix, `${PLUGIN_NAME}.history`);

interface HistoryOptions {
  entry: string;
  path: string;
  maxBytes: number;
  /** Called once when the file cannot be written, and once when it can be again. */
  say: (what: 'trouble' | 'relief', fields: { file: string; error?: string; lines?: number }) => void;
  now?: () => number;
}

type Facts = Partial<Omit<HistoryEntry, 'at' | 'entry' | 'kind'>>;
type Certificates = ReadonlyMap<string, StoredCertificate>;

const HALVES: readonly Half[] = ['main', 'alt'];
const MAX_DETAIL = 600;
/** Most lines about changes of others in one pass, such as a Kong that was emptied. */
const MAX_FOREIGN = 1_000;

/**
 * Records what happened to the certificates of one entry: append-only JSON lines without any secret. It lives on
 * from one reloader to the next, so that changes made by others meanwhile are noticed.
 */
export class History implements Reporter {
  readonly #file: LineFile;
  readonly #entry: string;
  readonly #now: () => number;
  readonly #shares: Shares;
  /** What Kong stored after the last pass; null: no pass has got that far yet. */
  #stored: Certificates | null = null;
  #plan: Plan | null = null;
  /** Renewals that were seen and are not written yet. */
  #seen = new Set<string>();
  #isAway = false;
  /** The state after a pass; set by the code that makes the passes. */
  live: () => LiveView | null = () => null;

  constructor({ entry, path, maxBytes, say, now = Date.now }: HistoryOptions) {
    this.#entry = entry;
    this.#now = now;
    this.#shares = new Shares(maxBytes / 4);
    this.#file = new LineFile({
      path,
      // Half each for the file and its predecessor.
      maxBytes: maxBytes / 2,
      isInForeignFolder: true,
      onTrouble: ({ message }) => say('trouble', { file: path, error: message }),
      onRelief: (lines) => {
        say('relief', { file: path, lines });
        this.note('gap', { detail: `${lines} entries were lost: the file could not be written` });
      },
    });
  }

  pass(report: PassReport): void {
    if (this.#isAway) this.note('kong_back', {});
    this.#isAway = false;
    for (const source of report.mendedSources) this.note('source_up', { source });
    for (const { source, refusal } of report.sourceErrors)
      this.note('source_down', { source, reason: refusal.reason, detail: refusal.message });
    for (const event of report.events) this.note(eventKind(event.outcome), factsOf(event), event.secret);
    const live = this.live();
    if (live === null || live.plan === null || live.plan === this.#plan) return;
    this.#plan = live.plan;
    this.noteForeign(live.certificates, report.events);
    this.noteSeen(live.plan, live.hold);
  }

  failed(_: PassCause, error: Error): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.note('kong_away', { detail: error.message });
  }

  /** @param secret the Secret that it is about: its namespace has a share of the file */
  note(kind: HistoryKind, facts: Facts, secret?: SecretRef): void {
    const { snis = [], detail = '', ...rest } = facts;
    const line: HistoryEntry = {
      at: new Date(this.#now()).toISOString(),
      entry: this.#entry,
      kind,
      ...NOTHING,
      ...rest,
      snis: snis.slice(0, MAX_SNIS),
      detail: detail.length > MAX_DETAIL ? `${detail.slice(0, MAX_DETAIL)}…` : detail,
    };
    const text = `${toJson(line)}\n`;
    const room = secret === undefined ? 'free' : this.#shares.take(secret, text.length, this.#now());
    if (room === 'free') this.#file.write(text);
    else if (room === 'filled') {
      const of = `namespace ${secret?.namespace ?? ''}`;
      this.note('gap', {
        detail: `${of} has filled its share of a day (a quarter of the history); the rest is left out`,
      });
    }
  }

  /** Resolves when everything is written, or lost. */
  close(): Promise<void> {
    return this.#file.close();
  }

  /** Records what Kong stores now and did not after the pass before, without a write of ours. */
  private noteForeign(now: Certificates, events: readonly PassEvent[]): void {
    const before = this.#stored;
    this.#stored = now;
    if (before === null || before === now) return;
    const ours = new Set(
      events.flatMap(({ outcome }) => ('certificate' in outcome ? outcome.certificate : [])),
    );
    let left = MAX_FOREIGN;
    for (const [id, certificate] of now) {
      const was = before.get(id);
      if (was === certificate || ours.has(id)) continue;
      for (const half of HALVES) {
        const [then, present] = [was?.[half] ?? null, certificate[half]];
        if (then?.chain === present?.chain || left-- <= 0) continue;
        const kind = was === undefined ? 'appeared' : 'changed';
        this.note(kind, foreign(certificate, half, present, then));
        if (was === undefined) break;
      }
    }
    for (const [id, certificate] of before) {
      if (now.has(id) || ours.has(id) || left-- <= 0) continue;
      this.note('vanished', foreign(certificate, 'main', certificate.main, null));
    }
  }

  /** Records renewals that wait: for the ingress controller, a person, a time, another gateway. */
  private noteSeen({ changes }: Plan, hold: LiveView['hold']): void {
    const seen = new Set<string>();
    for (const change of changes) {
      const { bundle } = change;
      const isUpdate = change.kind === 'update';
      const id = isUpdate ? change.certificate.id : change.id;
      const half = isUpdate ? change.half : 'main';
      const key = `${id} ${half} ${bundle.chain}`;
      seen.add(key);
      if (this.#seen.has(key)) continue;
      const facts = {
        certificate_id: id,
        half,
        snis: isUpdate ? change.certificate.snis : change.snis,
        location: bundle.location,
        fingerprint_sha256: bundle.leaf.fingerprint,
        previous_fingerprint_sha256: (isUpdate ? change.certificate[half]?.leaf?.fingerprint : null) ?? null,
        not_after: new Date(bundle.leaf.notAfter).toISOString(),
        detail: hold(id, half)?.detail ?? '',
      };
      this.note('seen', facts, bundle.secret);
    }
    this.#seen = seen;
  }
}

const NOTHING = {
  by: null,
  certificate_id: null,
  half: null,
  location: null,
  source: null,
  fingerprint_sha256: null,
  previous_fingerprint_sha256: null,
  not_after: null,
  reason: null,
  proof: null,
} as const;

function factsOf(event: PassEvent): Facts {
  const { outcome, snis, location, fingerprint, notAfter, half, previous, urgent, kept } = event;
  const facts = outcomeFacts(outcome);
  return {
    snis,
    location,
    fingerprint_sha256: fingerprint,
    previous_fingerprint_sha256: previous ?? null,
    not_after: notAfter === null ? null : new Date(notAfter).toISOString(),
    half: half ?? null,
    certificate_id: 'certificate' in outcome ? outcome.certificate : (event.inKong?.certificate ?? null),
    ...facts,
    ...(urgent === undefined && kept === undefined ? {} : { detail: joined(urgent, facts.detail, kept) }),
  };
}

/** Joins why a change was made although it should have waited, what was observed, and which names stay behind. */
function joined(urgent: string | undefined, detail = '', kept: PassEvent['kept']): string {
  const parts = [
    urgent === undefined ? '' : `made ${urgent}`,
    detail,
    kept === undefined ? '' : keptNames(kept),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function outcomeFacts(outcome: PassEvent['outcome']): Facts {
  switch (outcome.kind) {
    case 'swapped':
    case 'rolled_back': {
      const { proof } = outcome;
      const by = outcome.kind === 'swapped' && outcome.how === 'reverted' ? 'operator' : 'us';
      if (proof === null) return { by, detail: 'not proven: verify is off' };
      const { verdict, handshakes, durationMs, detail } = proof;
      const isLeft = outcome.kind === 'rolled_back' && !outcome.restored;
      return {
        by,
        detail: isLeft ? `${detail}; the previous one could not be restored` : detail,
        proof: { verdict, handshakes, duration_ms: Math.round(durationMs) },
      };
    }
    case 'refused':
    case 'mended':
      return { reason: outcome.refusal.reason, detail: outcome.refusal.message };
    case 'nudged':
      return { by: 'us', detail: outcome.detail };
    case 'failed':
      return { by: 'us', detail: outcome.error };
    case 'removed':
      return { by: 'us' };
    case 'would_change':
      return {};
  }
}

function foreign(
  { id, snis, owner }: StoredCertificate,
  half: Half,
  present: StoredHalf | null,
  then: StoredHalf | null,
): Facts {
  const by: HistoryActor = owner === 'ingress_controller' ? 'ingress_controller' : 'other';
  return {
    by,
    certificate_id: id,
    half,
    snis,
    fingerprint_sha256: present?.leaf?.fingerprint ?? null,
    previous_fingerprint_sha256: then?.leaf?.fingerprint ?? null,
    not_after: present?.leaf == null ? null : new Date(present.leaf.notAfter).toISOString(),
  };
}
