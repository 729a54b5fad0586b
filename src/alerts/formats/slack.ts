import { ALERT_NAMES, type Alert } from '../alert';
import { linksOf, runbookFile, withoutReplaced, type Context, type Format } from './format';

/** Most attachments of a message; nobody reads more, so the other alerts are only named. */
const MAX_SHOWN = 10;
/** Slack cuts off longer texts. */
const MAX_TEXT = 2_000;
/** Names in the line that a phone shows. */
const MAX_NAMES = 3;

const COLORS = { critical: '#c0392b', warning: '#d68910', resolved: '#1e8449' };

/** Slack's incoming webhooks, which Mattermost and Rocket.Chat take as well: one message for all that is new. */
export const slack: Format = {
  batchSize: 1_000,
  refreshMs: null,
  address: (webhook) => webhook,
  body(alerts, context) {
    const told = withoutReplaced(alerts).sort((a, b) => rank(a) - rank(b));
    if (told.length === 0) return null;
    const shown = told.slice(0, MAX_SHOWN);
    const rest = told.slice(MAX_SHOWN);
    return {
      text: escape(`${headlineOf(told)} (ssl-cert-reloader on ${context.instance})`),
      attachments: [
        ...shown.map((alert) => attachment(alert, context)),
        ...(rest.length === 0 ? [] : [others(rest)]),
      ],
    };
  },
};

/** Sort order: the worst first. */
const rank = ({ status, severity }: Alert) => (status === 'resolved' ? 2 : severity === 'critical' ? 0 : 1);

/** `1 critical: shop.example.com; 2 warning, still there: …`: what a phone shows of the message. */
function headlineOf(alerts: readonly Alert[]): string {
  const groups = new Map<string, string[]>();
  for (const alert of alerts) {
    const names = groups.get(stateOf(alert)) ?? [];
    names.push(subjectOf(alert));
    groups.set(stateOf(alert), names);
  }
  return [...groups].map(([state, names]) => `${names.length} ${state}: ${someOf(names)}`).join('; ');
}

function someOf(names: readonly string[]): string {
  const different = [...new Set(names)];
  const rest = different.length - MAX_NAMES;
  return different.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** The subject of an alert, in one word. */
const subjectOf = ({ kind, facts: { snis, location, source, certificate_id: id } }: Alert): string =>
  snis?.[0] ?? location ?? source ?? id ?? ALERT_NAMES[kind];

const stateOf = ({ status, isReminder, severity }: Alert): string =>
  status === 'resolved' ? 'resolved' : isReminder ? `${severity}, still there` : severity;

function attachment(alert: Alert, context: Context) {
  const { kind, status, severity, since, endedAt, summary, description } = alert;
  const name = ALERT_NAMES[kind];
  const state = stateOf(alert);
  const links = linksOf(alert, context);
  const text = description === '' || status === 'resolved' ? summary : `${summary}\n${description}`;
  return {
    color: status === 'resolved' ? COLORS.resolved : COLORS[severity],
    fallback: escape(`${state}: ${summary}`),
    title: escape(`${name} (${state})`),
    ...(links === null ? {} : { title_link: links.page }),
    text: escape(cut(text)),
    footer: links === null ? runbookFile(name) : `<${links.runbook}|runbook>`,
    ts: Math.floor((endedAt ?? since) / 1000),
  };
}

/** Certificates without an attachment of their own, by name. */
function others(alerts: readonly Alert[]) {
  const text = `and ${alerts.length} more: ${alerts.map((one) => `${subjectOf(one)} (${stateOf(one)})`).join(', ')}`;
  return { fallback: `and ${alerts.length} more`, text: escape(cut(text)) };
}

const cut = (text: string) => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** Escapes the three characters that Slack interprets. */
const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
