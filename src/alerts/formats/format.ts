import { ALERT_NAMES, type Alert } from '../alert';

export interface Context {
  /** Host name of the gateway that sends the alert. */
  instance: string;
  entry: string;
  /** Base address of the page and the runbooks; null: not configured. */
  statusUrl: string | null;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The form in which a kind of receiver wants alerts. */
export interface Format {
  /** Most alerts in one request. */
  readonly batchSize: number;
  /** Milliseconds after which a lasting alert is sent again, whatever the settings say; null: as the settings say. */
  readonly refreshMs: number | null;
  /** Address of the requests, made from the configured one. */
  address(webhook: URL): URL;
  /** Body of one request; null: nothing in it concerns this receiver. */
  body(alerts: readonly Alert[], context: Context): unknown;
}

/** Path of an alert's runbook in the repository, for projects without an address of their own. */
export const runbookFile = (name: string) => `docs/runbooks/${name}.md`;

/** Addresses for a person; null where `status.url` is not set. */
export function linksOf(
  { kind, link }: Pick<Alert, 'kind' | 'link'>,
  { statusUrl }: Pick<Context, 'statusUrl'>,
): { runbook: string; page: string } | null {
  if (statusUrl === null) return null;
  const base = statusUrl.replace(/\/*$/, '/');
  return {
    runbook: `${base}runbooks/${ALERT_NAMES[kind]}`,
    page: link === null ? base : `${base}#${String(new URLSearchParams({ open: link }))}`,
  };
}

/** Without the troubles that only turned into another one: they are no news to people. */
export const withoutReplaced = (alerts: readonly Alert[]) => alerts.filter(({ isReplaced }) => !isReplaced);
