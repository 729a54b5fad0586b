import type { StatusReport } from '../public';
import type { ReloaderView } from './reloader-view';

/** The whole status, with certificates that are written out during the iteration. */
export interface ReportView extends Omit<StatusReport, 'reloaders'> {
  reloaders: readonly ReloaderView[];
  /** Exchanges with the Admin API, by method and status code (0: no answer). */
  adminRequests: ReadonlyMap<string, number>;
}

export function toReport({ adminRequests: _, reloaders, ...rest }: ReportView): StatusReport {
  return { ...rest, reloaders: reloaders.map((one) => one.status()) };
}

/** Least time within which a pass must have succeeded; normally two intervals. */
const LEAST_MS = 30_000;

/** @returns why this gateway's certificates may not be up to date; null: they are looked after */
export function unreadiness({ waiting, kong, reloaders }: ReportView, now: number): string | null {
  if (kong === null) return waiting ?? 'Kong has not answered yet';
  if (waiting !== null) return waiting;
  if (reloaders.length === 0) return 'Kong has no enabled global entry of the plugin';
  for (const { entry, interval_seconds: interval, last_success_at: last, last_pass: pass } of reloaders) {
    // Facts of an earlier process do not make this one ready.
    const age = last === null || pass === null ? Number.POSITIVE_INFINITY : now - Date.parse(last);
    if (age <= Math.max(2 * interval * 1000, LEAST_MS)) continue;
    const why = pass?.error == null ? '' : `: ${pass.error}`;
    return last === null
      ? `entry ${entry}: no pass succeeded yet${why}`
      : `entry ${entry}: no pass succeeded since ${last}${why}`;
  }
  return null;
}
