import { Slices } from '../common/slices';
import {
  unreachable,
  type Fields,
  type Level,
  type PassCause,
  type PassEvent,
  type PassReport,
  type Reporter,
  type SwapKind,
} from '../model';
import type { Logger } from './logger';

/** Writes one line for each event, not for each poll. */
export class LogReporter implements Reporter {
  #lastFailure = '';

  constructor(
    private readonly logger: Logger,
    /** Fields of every line, such as the plugin entry's id. */
    private readonly common: Fields = {},
  ) {}

  /** Thousands of lines are written in slices; a few at once. */
  async pass(report: PassReport): Promise<void> {
    if (this.#lastFailure !== '') this.log('info', 'passes succeed again', { cause: report.cause });
    this.#lastFailure = '';
    for (const { source, refusal } of report.sourceErrors) {
      this.log('warn', 'a source cannot be read completely', {
        source,
        reason: refusal.reason,
        detail: refusal.message,
      });
    }
    for (const source of report.mendedSources)
      this.log('info', 'a source can be read completely again', { source });
    const slices = new Slices();
    for (const event of report.events) {
      this.event(event, report);
      if (slices.due) await slices.pause();
    }
    const done = DONE[report.cause];
    if (done !== undefined) {
      const { bundles, inSync, refused, unused, durationMs } = report;
      const fields = { bundles, in_sync: inSync, refused, unused, duration_ms: Math.round(durationMs) };
      this.log('info', done, fields);
    }
  }

  failed(cause: PassCause, error: Error): void {
    // An hour without Kong is one event, not one for each retry.
    if (error.message === this.#lastFailure) return;
    this.#lastFailure = error.message;
    this.log('error', 'a pass failed; it is tried again', { cause, error: error.message });
  }

  private event(
    { bundle, location, fingerprint, notAfter, snis, kept, isTrust, inKong, urgent, outcome }: PassEvent,
    report: PassReport,
  ): void {
    const common = {
      bundle,
      location,
      ...(fingerprint === null ? {} : { fingerprint_sha256: fingerprint }),
      ...(notAfter === null ? {} : { not_after: new Date(notAfter).toISOString() }),
      snis: snis.slice(0, 10),
      cause: report.cause,
    };
    switch (outcome.kind) {
      case 'swapped': {
        const { certificate, how, proof } = outcome;
        const isWrong = proof?.verdict === 'wrong';
        this.log(
          isWrong ? 'error' : proof?.verdict === 'another' ? 'warn' : 'info',
          `${isTrust === true ? 'CA ' : ''}certificate ${SWAPS[how]}`,
          {
            ...common,
            certificate_id: certificate,
            ...(kept === undefined ? {} : { kept_snis: kept.snis.slice(0, 10) }),
            ...(urgent === undefined ? {} : { detail: `made ${urgent}` }),
            proof: proof?.verdict ?? 'off',
            ...(proof === null || proof.detail === '' ? {} : { proof_detail: proof.detail }),
            ...(proof === null
              ? {}
              : { handshakes: proof.handshakes, proof_ms: Math.round(proof.durationMs) }),
          },
        );
        return;
      }
      case 'removed':
        this.log('info', isTrust === true ? 'CA certificate removed' : 'certificate removed', {
          ...common,
          certificate_id: outcome.certificate,
        });
        return;
      case 'rolled_back':
        this.log('error', outcome.restored ? 'certificate rolled back' : 'rollback failed', {
          ...common,
          certificate_id: outcome.certificate,
          served_fingerprint_sha256: outcome.proof.servedFingerprint,
          detail: outcome.proof.detail,
        });
        return;
      case 'nudged':
        this.log('info', 'ingress controller nudged', {
          ...common,
          certificate_id: outcome.certificate,
          detail: outcome.detail,
        });
        return;
      case 'would_change':
        this.log('info', outcome.created ? 'certificate would be created' : 'certificate would be swapped', {
          ...common,
          certificate_id: outcome.certificate,
        });
        return;
      case 'refused': {
        const { reason, message } = outcome.refusal;
        const what =
          isTrust === true
            ? 'CA certificate refused; Kong trusts what it trusted before'
            : inKong === undefined
              ? 'bundle refused; Kong has no certificate for it'
              : inKong.isValid
                ? 'bundle refused; the last good certificate keeps serving'
                : 'bundle refused; the certificate in Kong has expired';
        this.log('warn', what, {
          ...common,
          ...(inKong === undefined ? {} : { certificate_id: inKong.certificate }),
          reason,
          detail: message,
        });
        return;
      }
      case 'mended':
        this.log('info', 'bundle no longer refused', { ...common, reason: outcome.refusal.reason });
        return;
      case 'failed':
        this.log('error', 'swap failed; it is tried again', {
          ...common,
          certificate_id: outcome.certificate,
          error: outcome.error,
        });
        return;
      default:
        unreachable(outcome);
    }
  }

  private log(level: Level, message: string, fields: Fields): void {
    this.logger.log(level, message, { ...this.common, ...fields });
  }
}

/** A person waits for these passes, even where nothing is to be done. */
const DONE: Partial<Record<PassCause, string>> = {
  start: 'first pass done',
  trigger: 'requested pass done',
};

const SWAPS: Record<SwapKind, string> = {
  swapped: 'swapped',
  created: 'created',
  taken_over: 'taken over from the ingress controller',
  handed_over: 'handed over to the ingress controller',
  reverted: 'rolled back by an operator',
};
