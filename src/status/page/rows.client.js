// What the page makes of the report; no document here. STATES, LIVES and KINDS come from words.ts.

/** Soonest to be looked at first. */
function urgencyOf(certificate) {
  const { state, renewal_overdue: overdue } = certificate;
  if (state === 'unused') return 6;
  const life = lifeOf(certificate);
  if (life === 'expired' || state === 'not_served') return 0;
  if (life === 'critical' || state === 'refused') return 1;
  if (life === 'ends_soon' || overdue) return 2;
  return { pending: 3, unproven: 4, no_source: 4 }[state] ?? 5;
}

/** The level of life that somebody should know of; null: none. What is not in Kong may expire. */
function lifeOf({ certificate_id: id, expiry }) {
  return id === null || expiry === null || LIVES[expiry][0] === '' ? null : expiry;
}

/** What it is counted as: its state, and its life where somebody should know of that. */
function wordsOf(certificate) {
  const life = lifeOf(certificate);
  return life === null ? [certificate.state] : [life, certificate.state];
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
    LIVES[lifeOf(row.certificate)]?.[0],
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
      (state === null || wordsOf(row.certificate).includes(state)) &&
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

/** How long it is valid, or has not been; in hours and minutes where days are too coarse. */
function leftText({ expires_at: until }, now) {
  if (until === null) return 'unknown';
  const left = Date.parse(until) - now;
  return left <= 0 ? `expired ${agoOf(until, now)}` : spanOf(new Date(now - left).toISOString(), now);
}
