import { ALERT_NAMES } from '../alert';
import { linksOf, runbookFile, type Format } from './format';

const API = '/api/v2/alerts';
const REFRESH_MS = 5 * 60_000;
/** Four refreshes, as in Prometheus: should this process be gone, Alertmanager then takes the alert as resolved. */
const LASTS_MS = 4 * REFRESH_MS;

/**
 * Alertmanager's API v2. Alertmanager forgets its alerts when it restarts, so lasting ones are sent again every few
 * minutes; what people are told of them, and how often, is configured there.
 */
export const alertmanager: Format = {
  batchSize: 100,
  refreshMs: REFRESH_MS,
  address(webhook) {
    const url = new URL(webhook);
    if (!url.pathname.endsWith(API)) url.pathname = url.pathname.replace(/\/+$/, '') + API;
    return url;
  },
  body: (alerts, context) =>
    alerts.map((alert) => {
      const { kind, severity, labels, since, endedAt, summary, description } = alert;
      const { instance, entry, now } = context;
      const alertname = ALERT_NAMES[kind];
      const links = linksOf(alert, context);
      return {
        labels: { alertname, severity, instance, entry, ...labels },
        annotations: {
          summary,
          ...(description === '' ? {} : { description }),
          ...(links === null ? { runbook: runbookFile(alertname) } : { runbook_url: links.runbook }),
        },
        ...(links === null ? {} : { generatorURL: links.page }),
        startsAt: new Date(Math.min(since, now)).toISOString(),
        endsAt: new Date(endedAt ?? now + LASTS_MS).toISOString(),
      };
    }),
};
