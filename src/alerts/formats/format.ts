import { ALERT_NAMES, type Alert } from '../alert';

export interface Context {
  /** Which gateway tells it: a host's name. */
  instance: string;
  entry: string;
  /** Where people find the page and the runbooks; null: nobody said. */
  statusUrl: string | null;
  /** Milliseconds since the epoch. */
  now: number;
}

/** How a receiver wants to be told. */
export interface Format {
  /** How many alerts one request holds at most. */
  readonly batchSize: number;
  /** What lasts is told again after so long, whatever the settings say; null: as the settings say. */
  readonly refreshMs: number | null;
  /** Where requests go, for the address that is configured. */
  address(webhook: URL): URL;
  /** The body of one request; null: there is nothing in it for this receiver. */
  body(alerts: readonly Alert[], context: Context): unknown;
}

/** Where the runbook of an alert stands in the project, for those who have no address of it. */
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

/** A trouble that only became another one is no news to people. */
export const toPeople = (alerts: readonly Alert[]) => alerts.filter(({ isReplaced }) => !isReplaced);
