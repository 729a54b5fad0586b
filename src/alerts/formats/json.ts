import { ALERT_NAMES } from '../alert';
import { linksOf, runbookFile, withoutReplaced, type Format } from './format';

/** The project's own format; docs/monitoring.md explains it. */
export const json: Format = {
  batchSize: 100,
  refreshMs: null,
  address: (webhook) => webhook,
  body(alerts, context) {
    const { instance, entry, now } = context;
    const told = withoutReplaced(alerts);
    if (told.length === 0) return null;
    return {
      version: 1,
      sender: 'ssl-cert-reloader',
      instance,
      entry,
      sent_at: new Date(now).toISOString(),
      alerts: told.map((alert) => {
        const { kind, status, isReminder, severity, since, endedAt, summary, description, facts } = alert;
        const links = linksOf(alert, context);
        return {
          name: ALERT_NAMES[kind],
          kind,
          status,
          reminder: isReminder,
          severity,
          summary,
          description,
          starts_at: new Date(since).toISOString(),
          ends_at: endedAt === null ? null : new Date(endedAt).toISOString(),
          runbook: runbookFile(ALERT_NAMES[kind]),
          ...(links === null ? {} : { runbook_url: links.runbook, page_url: links.page }),
          ...facts,
        };
      }),
    };
  },
};
