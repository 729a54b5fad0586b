import type { PassEvent, Proof } from '../model';
import { isFailed, type FailedPass, type PassResult } from './passes';

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** A pass as `plan --json` and `sync --json` print it: names as in the status, times in ISO 8601. */
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
    source_errors: report.sourceErrors.map(({ source, refusal: { reason, message } }) => ({
      source,
      reason,
      message,
    })),
  };
}

function eventJson({ outcome, ...event }: PassEvent): object {
  return {
    kind: 'created' in outcome && outcome.created && outcome.kind === 'swapped' ? 'created' : outcome.kind,
    location: event.location,
    snis: event.snis,
    fingerprint_sha256: event.fingerprint,
    not_after: iso(event.notAfter),
    ...('certificate' in outcome ? { certificate_id: outcome.certificate } : {}),
    ...(outcome.kind === 'would_change' ? { creates: outcome.created } : {}),
    ...(outcome.kind === 'refused'
      ? { reason: outcome.refusal.reason, detail: outcome.refusal.message }
      : {}),
    ...(outcome.kind === 'nudged' ? { detail: outcome.detail } : {}),
    ...(outcome.kind === 'failed' ? { detail: outcome.error } : {}),
    ...(outcome.kind === 'rolled_back' ? { restored: outcome.restored } : {}),
    ...('proof' in outcome && outcome.proof !== null ? { proof: proofJson(outcome.proof) } : {}),
  };
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
