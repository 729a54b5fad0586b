import type { HistoryReport, ListReport } from '../../../public';
import { requestOf, type Query } from './query';

/** After this long without an answer the plugin counts as gone. */
const PATIENCE_MS = 30_000;

/** The last answer; null: there was none yet. */
export let report: ListReport | null = null;

let etag: string | null = null;
let askedFor = '';
/** Cancels requests that are no longer relevant. */
let running: AbortController | null = null;

class Overtaken extends Error {}
export const newer = (error: unknown): boolean => error instanceof Overtaken;
export const isSlow = (): boolean => running !== null;

/**
 * Fetches what the query asks for.
 * @returns whether the report has changed
 * @throws Error where nobody answers
 */
export async function fetchReport(query: Query): Promise<boolean> {
  running?.abort();
  const own = new AbortController();
  running = own;
  const url = requestOf(query);
  const isOvertaken = () => running !== own;
  try {
    const response = await fetch(url, {
      headers: etag === null || url !== askedFor ? {} : { 'if-none-match': etag },
      signal: AbortSignal.any([own.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    if (response.status === 304) return false;
    if (!response.ok) throw new Error(String(response.status));
    const next = (await response.json()) as ListReport;
    if (isOvertaken()) throw new Overtaken();
    report = next;
    etag = response.headers.get('etag');
    askedFor = url;
    return true;
  } catch (error) {
    if (isOvertaken()) throw new Overtaken();
    throw error;
  } finally {
    if (!isOvertaken()) running = null;
  }
}

let history: { key: string; report: HistoryReport } | null = null;

export const historyOf = ({ open }: Query): HistoryReport | null =>
  history !== null && history.key === open ? history.report : null;

/** Fetches the history of the certificate that is shown alone. A plugin without a history answers nothing. */
export async function fetchHistory({ open }: Query): Promise<void> {
  const certificate = report?.opened?.certificate;
  if (open === null || certificate === undefined) return;
  const name = certificate.certificate_id ?? certificate.source?.location ?? certificate.snis[0] ?? '';
  try {
    const response = await fetch(`history?${String(new URLSearchParams({ name, limit: '50' }))}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) history = { key: open, report: (await response.json()) as HistoryReport };
  } catch {
    // The next poll will show that nobody answers.
  }
}
