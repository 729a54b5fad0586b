// What the page makes of the report; no document here.

const DAY = 86_400_000;

/** Word, tone and picture of each state; the tone is never the only sign. */
const STATES = {
  not_served: ['Not served', 'bad', 'M4 4l8 8M12 4l-8 8'],
  refused: ['Refused', 'bad', 'M8 3v6M8 12v1'],
  pending: ['Pending', 'info', 'M8 2a6 6 0 1 0 0 12a6 6 0 0 0 0-12M8 5v3.5l2 1.5'],
  unproven: ['Not proven', 'warn', 'M6 6a2 2 0 1 1 2.5 2L8 9.5M8 12v1'],
  no_source: ['No source', 'idle', 'M4 8h8'],
  in_sync: ['In sync', 'good', 'M4 8.5l3 3 5-6'],
  unused: ['Unused', 'idle', 'M4 8h8'],
};

/** Soonest to be looked at first. */
function urgencyOf({ certificate_id: id, state, days_left, renewal_overdue: overdue }) {
  if (state === 'unused') return 6;
  // What is not in Kong may expire.
  const days = id === null ? null : days_left;
  if (state === 'not_served' || (days !== null && days < 0)) return 0;
  if (state === 'refused' || (days !== null && days <= 7)) return 1;
  if (overdue || (days !== null && days <= 14)) return 2;
  return { pending: 3, unproven: 4, no_source: 4 }[state] ?? 5;
}

function toneOf(certificate) {
  const urgency = urgencyOf(certificate);
  if (urgency <= 1) return 'bad';
  return urgency === 2 ? 'warn' : (STATES[certificate.state]?.[1] ?? 'idle');
}

/** Every certificate of every entry, most urgent first. */
function rowsOf(report) {
  const rows = report.reloaders.flatMap(({ entry, certificates }) =>
    certificates.map((certificate) => ({
      certificate,
      key: [
        entry,
        certificate.certificate_id ?? certificate.source?.location ?? certificate.refusal?.message,
        certificate.half,
      ].join(' '),
      urgency: urgencyOf(certificate),
      days: certificate.days_left ?? Number.MAX_SAFE_INTEGER,
      name: certificate.snis[0] ?? '',
      haystack: null,
    })),
  );
  return rows.sort(
    (a, b) => a.urgency - b.urgency || a.days - b.days || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** Everything that one might search for; made for a row when it is first searched. */
function haystackOf(row) {
  const { certificate_id: id, snis, state, source, stored, served, refusal, owner } = row.certificate;
  row.haystack ??= [
    id,
    ...snis,
    state,
    STATES[state]?.[0],
    owner,
    source?.location,
    source?.source,
    ...[source, stored, served].map((one) => one?.fingerprint_sha256),
    source?.serial,
    stored?.serial,
    refusal?.reason,
    refusal?.message,
  ]
    .filter(Boolean)
    .join(' ')
    .toLowerCase();
  return row.haystack;
}

/** Every word has to be there. */
function matching(rows, state, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(
    (row) =>
      (state === null || row.certificate.state === state) &&
      (words.length === 0 || words.every((word) => haystackOf(row).includes(word))),
  );
}

const shortPrint = (fingerprint) =>
  fingerprint == null ? '—' : fingerprint.split(':').slice(0, 4).join('').toLowerCase();

/** How long ago it was. */
function spanOf(iso, now) {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

const agoOf = (iso, now) => `${spanOf(iso, now)} ago`;

const dateOf = (iso) =>
  new Date(iso).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const timeOf = (iso) => new Date(iso).toLocaleString();

function daysText(days) {
  if (days === null) return 'unknown';
  if (days < 0) return days === -1 ? 'expired' : `expired ${days === -2 ? '1 day' : `${-days - 1} days`} ago`;
  return days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
}
