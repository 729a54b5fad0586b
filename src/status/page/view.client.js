// Pieces of the document. Text is always set as text: names and messages come from files and from Kong.

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function picture(path, size) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const stroke = {
    viewBox: '0 0 16 16',
    width: size,
    height: size,
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 2,
    'aria-hidden': 'true',
  };
  for (const [name, value] of Object.entries(stroke)) svg.setAttribute(name, String(value));
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

function stateOf(certificate, now) {
  const [word, tone, path] = STATES[certificate.state] ?? [certificate.state, 'idle', ''];
  return el(
    'span',
    { class: 'state', 'data-tone': tone },
    picture(path, 14),
    word,
    el('span', null, `for ${spanOf(certificate.since, now)}`),
  );
}

/** Its life, where somebody should know of it. */
function lifeMark(certificate) {
  const life = lifeOf(certificate);
  if (life === null) return null;
  const [word, tone, path] = LIVES[life];
  return el('span', { class: 'state', 'data-tone': tone }, picture(path, 14), word);
}

/** The three places; those that show something else than they should stand out. */
function trioOf({ state, source, stored, served }) {
  // What the source has is what is wanted, unless it is refused.
  const wanted = (state === 'refused' ? (stored ?? source) : (source ?? stored))?.fingerprint_sha256;
  const places = [
    ['source', source],
    ['stored', stored],
    ['served', served],
  ].map(([word, leaf]) => {
    const print = leaf?.fingerprint_sha256;
    const differs = print != null && wanted != null && print !== wanted;
    const title = `${word}: ${print ?? (word === 'served' ? 'not seen' : 'nothing')}${differs ? ', differs' : ''}`;
    const names = ['place', differs ? 'differs' : '', print == null ? 'missing' : ''].join(' ');
    return el(
      'span',
      { class: names, title },
      el('span', null, word + (differs ? ' ≠' : '')),
      el('code', null, shortPrint(print)),
    );
  });
  return el('span', { class: 'trio' }, ...places);
}

/** How much of its life is over, with a mark where it should have been renewed. */
function expiryOf(certificate, now) {
  const { stored, source, renewal_overdue: overdue } = certificate;
  const leaf = stored ?? source;
  const life = el('span', { class: 'life', 'aria-hidden': 'true' });
  const until = certificate.served?.not_after ?? leaf?.not_after;
  // Of what is served instead of it nobody knows when it began.
  if (leaf !== null && until === leaf.not_after) {
    const [from, to] = [Date.parse(leaf.not_before), Date.parse(leaf.not_after)];
    const spent = el('i');
    spent.style.width = `${Math.min(100, Math.max(2, ((now - from) / (to - from)) * 100))}%`;
    const due = el('u');
    due.style.left = '66.6%';
    life.append(spent, due);
  }
  return el(
    'span',
    { class: 'expiry' },
    el('b', null, leftText(certificate, now)),
    overdue ? el('span', { class: 'overdue' }, ' · renewal overdue') : null,
    life,
    el(
      'small',
      null,
      until == null ? '' : `until ${lifeOf(certificate) === null ? dateOf(until) : timeOf(until)}`,
    ),
  );
}

function detailsOf(certificate) {
  const { source, stored, served, refusal } = certificate;
  const facts = [
    ['Names', certificate.snis.join(', ')],
    [
      'Certificate',
      certificate.certificate_id === null
        ? 'not in Kong'
        : `${certificate.certificate_id} (${certificate.half})`,
    ],
    [
      'Owner',
      { us: 'this plugin', ingress_controller: 'the ingress controller', other: 'somebody else' }[
        certificate.owner
      ],
    ],
    ['Source', source === null ? 'none' : `${source.location} (${source.source})`],
    ['Source has', leafText(source)],
    ['Kong stores', leafText(stored)],
    [
      'Kong serves',
      served === null
        ? 'not looked at'
        : `${served.fingerprint_sha256 ?? 'nothing that could be seen'} · looked at ${timeOf(served.checked_at)}`,
    ],
    ['At the look', served?.detail === whyOf(certificate) ? null : served?.detail],
    [
      refusal?.is_standing === false ? 'Was refused' : 'Refused',
      refusal === null ? null : `${timeOf(refusal.at)} · ${refusal.reason}: ${refusal.message}`,
    ],
    ['To know', whyOf(certificate) === certificate.note ? null : certificate.note],
    ['In this state since', timeOf(certificate.since)],
    ['Renewal due', certificate.renewal_due_at === null ? null : timeOf(certificate.renewal_due_at)],
    [
      'Last swapped',
      certificate.last_swap_at === null ? 'not since the start' : timeOf(certificate.last_swap_at),
    ],
  ].filter(([, value]) => value != null && value !== '');
  return el(
    'dl',
    { class: 'details' },
    ...facts.flatMap(([word, value]) => [el('dt', null, word), el('dd', null, el('code', null, value))]),
  );
}

const leafText = (leaf) =>
  leaf === null
    ? null
    : `${leaf.fingerprint_sha256} · serial ${leaf.serial} · ${dateOf(leaf.not_before)} to ${dateOf(leaf.not_after)}`;

/** What is wrong, or is waited for, in a sentence; empty when there is nothing. */
function whyOf({ state, refusal, served, note }) {
  if (refusal?.is_standing === true) return refusal.message;
  if (state === 'pending') return note ?? '';
  return state === 'not_served' || state === 'unproven' ? (served?.detail ?? '') : '';
}

function rowElement({ certificate, key }, isOpen, now) {
  const [name = 'no names', ...others] = certificate.snis;
  const half = certificate.half === 'alt' ? ' (second key type)' : '';
  const more = (others.length === 0 ? '' : ` +${others.length}`) + half;
  const title = el('span', { class: 'name' }, name, el('small', null, more));
  const where =
    certificate.source?.location ??
    (certificate.certificate_id === null ? '' : `Kong ${certificate.certificate_id}`);
  const line = el(
    'button',
    { type: 'button', class: 'line', 'aria-expanded': isOpen },
    el(
      'span',
      null,
      lifeMark(certificate),
      stateOf(certificate, now),
      title,
      el('span', { class: 'where', title: where }, where),
    ),
    trioOf(certificate),
    expiryOf(certificate, now),
    el('span', { class: 'chevron', 'aria-hidden': 'true' }, '›'),
  );
  const why = whyOf(certificate);
  const row = el('li', { class: 'row', 'data-tone': toneOf(certificate) }, line);
  if (why !== '') row.append(el('p', { class: 'why' }, why));
  if (isOpen) row.append(detailsOf(certificate));
  row.dataset.key = key;
  return row;
}

function eventElement({ at, kind, snis, location, reason, detail }, now) {
  const [word, tone] = KINDS[kind] ?? [kind, 'idle'];
  const what = snis.length === 0 ? location : snis.slice(0, 3).join(', ') + (snis.length > 3 ? ', …' : '');
  return el(
    'li',
    { 'data-tone': tone },
    el('time', { datetime: at, title: timeOf(at) }, agoOf(at, now)),
    el('b', null, word),
    ` ${what}`,
    reason === null && detail === '' ? null : el('p', null, detail === '' ? reason : detail),
  );
}

/** The last hundred things on a line from the first of them (at least an hour) until now. */
function drawTimeline(events, now) {
  const times = events.map(({ at }) => Date.parse(at));
  const from = Math.min(now - 3_600_000, ...times);
  const dots = events.map(({ at, kind, snis }) => {
    const dot = el('i', {
      'data-tone': KINDS[kind]?.[1] ?? 'idle',
      title: `${KINDS[kind]?.[0] ?? kind} ${snis[0] ?? ''}, ${timeOf(at)}`,
    });
    dot.style.left = `${((Date.parse(at) - from) / (now - from)) * 100}%`;
    return dot;
  });
  byId('timeline').replaceChildren(
    el('span', null, agoOf(new Date(from).toISOString(), now)),
    el('span', null, 'now'),
    ...dots,
  );
}

/** Lines of the box about the gateway; the entry is named where there are several. */
function factElements(reloaders) {
  return reloaders.flatMap((reloader) => [
    ...(reloaders.length === 1 ? [] : [el('dt', null, 'Entry'), el('dd', null, reloader.entry)]),
    ...gatewayFacts(reloader).flatMap(([word, text, tone]) => [
      el('dt', null, word),
      el('dd', { 'data-tone': tone }, text),
    ]),
  ]);
}

function sourceElement({ id, up, bundles, error }, now) {
  return el(
    'li',
    null,
    el('small', null, error === null || up ? `${bundles} found` : `down for ${spanOf(error.since, now)}`),
    id,
    error === null ? null : el('p', null, error.message),
  );
}
