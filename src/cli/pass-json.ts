import { eventKind, unreachable, type Outcome, type PassEvent, type Proof } from '../model';
import { isFailed, type FailedPass, type PassResult } from './passes';

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** A pass as `plan --json` and `sync --json` print it: field names as in the status, times in ISO 8601. */
export function passJson(result: PassResult | FailedPass): object {
  if (isFailed(result)) return result;
  const { entry, report } = result;
  return {
    entry,
    started_at: iso(report.startedAt),
    duration_ms: Math.round(report.durationMs),
    bundles: report.bundles,
    in_sync: report.inSync,
    refused: report.refused,
    unused: report.unused,
    events: report.events.map(eventJson),
    waiting: report.waiting.map(({ certificate, location, snis, fingerprint, notAfter, until, hold }) => ({
      certificate_id: certificate,
      location,
      snis,
      fingerprint_sha256: fingerprint,
      not_after: iso(notAfter),
      until: Number.isFinite(until) ? iso(until) : null,
      ...(hold === undefined ? {} : { hold: hold.kind, detail: hold.detail }),
    })),
    notes: report.bundleNotes.map(({ location, snis, fingerprint, notAfter, note }) => ({
      location,
      snis,
      fingerprint_sha256: fingerprint,
      not_after: iso(notAfter),
      detail: note,
    })),
    stray_files: report.strays.map(({ location, reason, message }) => ({ location, reason, message })),
    source_errors: report.sourceErrors.map(({ source, refusal: { reason, message } }) => ({
      source,
      reason,
      message,
    })),
  };
}

function eventJson({ outcome, ...event }: PassEvent): object {
  return {
    kind: eventKind(outcome),
    location: event.location,
    snis: event.snis,
    ...(event.kept === undefined ? {} : { kept_snis: event.kept.snis, kept_until: iso(event.kept.until) }),
    fingerprint_sha256: event.fingerprint,
    not_after: iso(event.notAfter),
    ...outcomeJson(outcome),
  };
}

function outcomeJson(outcome: Outcome): object {
  switch (outcome.kind) {
    case 'swapped':
      return {
        certificate_id: outcome.certificate,
        ...(outcome.proof === null ? {} : { proof: proofJson(outcome.proof) }),
      };
    case 'rolled_back':
      return {
        certificate_id: outcome.certificate,
        restored: outcome.restored,
        proof: proofJson(outcome.proof),
      };
    case 'would_change':
      return { certificate_id: outcome.certificate, creates: outcome.created };
    case 'refused':
    case 'mended':
      return { reason: outcome.refusal.reason, detail: outcome.refusal.message };
    case 'nudged':
      return { certificate_id: outcome.certificate, detail: outcome.detail };
    case 'removed':
      return { certificate_id: outcome.certificate };
    case 'failed':
      return { certificate_id: outcome.certificate, detail: outcome.error };
    default:
      return unreachable(outcome);
  }
}

function proofJson({ verdict, servedFingerprint, handshakes, durationMs, detail }: Proof): object {
  return {
    verdict,
    served_fingerprint_sha256: servedFingerprint,
    handshakes,
    duration_ms: Math.round(durationMs),
    detail,
  };
}
