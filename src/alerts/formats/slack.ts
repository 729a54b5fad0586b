import { ALERT_NAMES, type Alert } from '../alert';
import { runbookOf, toPeople, type Format } from './format';

/** More of them in one message nobody reads. */
const MAX_SHOWN = 10;
/** Slack cuts longer ones off. */
const MAX_TEXT = 2_000;

const COLORS = { critical: '#c0392b', warning: '#d68910', resolved: '#1e8449' };

/** Slack's incoming webhooks, which Mattermost and Rocket.Chat take as well: one message for all that is new. */
export const slack: Format = {
  batchSize: 1_000,
  refreshMs: null,
  address: (webhook) => webhook,
  body(alerts, { instance }) {
    const told = toPeople(alerts).sort((a, b) => rank(a) - rank(b));
    if (told.length === 0) return null;
    const shown = told.slice(0, MAX_SHOWN);
    const rest = told.length - shown.length;
    const headline = `ssl-cert-reloader on ${instance}: ${headlineOf(told)}`;
    return {
      text: escape(headline),
      attachments: [
        ...shown.map(attachment),
        ...(rest === 0 ? [] : [{ fallback: `and ${rest} more`, text: `and ${rest} more` }]),
      ],
    };
  },
};

/** The worst first. */
const rank = ({ status, severity }: Alert) => (status === 'resolved' ? 2 : severity === 'critical' ? 0 : 1);

function headlineOf(alerts: readonly Alert[]): string {
  const counts = [
    [alerts.filter(({ status, isReminder }) => status === 'firing' && !isReminder).length, 'new'],
    [alerts.filter(({ isReminder }) => isReminder).length, 'still there'],
    [alerts.filter(({ status }) => status === 'resolved').length, 'resolved'],
  ] as const;
  return counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(', ');
}

function attachment({ kind, status, isReminder, severity, since, endedAt, summary, description }: Alert) {
  const name = ALERT_NAMES[kind];
  const state = status === 'resolved' ? 'resolved' : isReminder ? `${severity}, still there` : severity;
  const text = description === '' || status === 'resolved' ? summary : `${summary}\n${description}`;
  return {
    color: status === 'resolved' ? COLORS.resolved : COLORS[severity],
    fallback: escape(`${state}: ${summary}`),
    title: escape(`${name} (${state})`),
    text: escape(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text),
    footer: runbookOf(name),
    ts: Math.floor((endedAt ?? since) / 1000),
  };
}

/** The three characters that mean something to Slack. */
const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
