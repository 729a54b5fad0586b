// Looks at /status every few seconds while somebody looks at the page.

const EVERY_MS = 5_000;
/** After so long without an answer the plugin is taken for gone. */
const PATIENCE_MS = 30_000;
const PAGE = 100;
const TITLE = document.title;

let report = null;
let rows = [];
let etag = null;
let seenAt = 0;
let state = null;
let limit = PAGE;
const open = new Set();
/** What stands in the list now, with what it was made from. */
const drawn = new Map();

async function look() {
  try {
    const response = await fetch('status', {
      headers: etag === null ? {} : { 'if-none-match': etag },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.status !== 304) {
      if (!response.ok) throw new Error(`the answer was ${response.status}`);
      report = await response.json();
      etag = response.headers.get('etag');
      rows = rowsOf(report);
      draw();
    }
    seenAt = Date.now();
    alarm(alarmOf(report));
  } catch (error) {
    alarm(
      report === null
        ? `The plugin does not answer (${error.message}).`
        : `The plugin has not answered since ${new Date(seenAt).toLocaleTimeString()} (${error.message}); this is how it was then.`,
    );
  }
  pulse();
}

function alarm(text) {
  byId('alarm').hidden = text === '';
  if (byId('alarm').textContent !== text) byId('alarm').textContent = text;
}

function pulse() {
  byId('pulse').textContent =
    seenAt === 0 ? '' : `updated ${agoOf(new Date(seenAt).toISOString(), Date.now())}`;
}

function draw() {
  const { kong, version, reloaders } = report;
  byId('kong').textContent =
    (kong === null
      ? 'Kong does not answer'
      : `Kong at ${kong.admin_url}, ${kong.mode === 'dbless' ? 'without a database' : 'with a database'}`) +
    (reloaders.some(({ mode }) => mode === 'observe') ? ' · only observing' : '');
  byId('version').textContent = `ssl-cert-reloader ${version}`;
  drawStates();
  drawList();
  drawAside(reloaders);
}

function drawStates() {
  const counts = new Map();
  for (const { certificate } of rows) {
    for (const word of wordsOf(certificate)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const buttons = [[null, 'All', 'idle', rows.length]];
  for (const [name, [word, tone]] of [...Object.entries(LIVES), ...Object.entries(STATES)])
    if (counts.has(name)) buttons.push([name, word, tone, counts.get(name)]);
  if (state !== null && !counts.has(state)) state = null;
  const expired = counts.get('expired') ?? 0;
  document.title = expired === 0 ? TITLE : `${expired} expired · ${TITLE}`;
  const focused = document.activeElement?.dataset?.state;
  byId('states').replaceChildren(
    ...buttons.map(([name, word, tone, count]) => {
      const button = el(
        'button',
        {
          type: 'button',
          'aria-pressed': state === name,
          'data-state': name ?? 'all',
          'data-tone': name === null ? null : tone,
        },
        el('b', null, String(count)),
        word,
      );
      button.addEventListener('click', () => {
        state = state === name ? null : name;
        limit = PAGE;
        drawStates();
        drawList();
      });
      return button;
    }),
  );
  if (focused !== undefined) document.querySelector(`[data-state="${CSS.escape(focused)}"]`)?.focus();
}

/** Only what is new or differs is made anew, so that the keyboard's place and the scroll position stay. */
function drawList() {
  const query = byId('query').value;
  const found = matching(rows, state, query);
  const shown = found.slice(0, limit);
  const now = Date.now();
  const minute = Math.floor(now / 60_000);
  const focused = document.activeElement?.closest?.('.row')?.dataset.key;
  const elements = shown.map((row) => {
    const isOpen = open.has(row.key);
    const made = `${isOpen} ${minute} ${JSON.stringify(row.certificate)}`;
    const before = drawn.get(row.key);
    if (before?.made === made) return before.element;
    const element = rowElement(row, isOpen, now);
    drawn.set(row.key, { made, element });
    return element;
  });
  const keys = new Set(shown.map(({ key }) => key));
  for (const key of drawn.keys()) if (!keys.has(key)) drawn.delete(key);
  byId('list').replaceChildren(...elements);
  if (focused !== undefined) drawn.get(focused)?.element.firstChild.focus({ preventScroll: true });
  const isNarrowed = query.trim() !== '' || state !== null;
  byId('count').textContent = isNarrowed
    ? `${found.length} of ${rows.length}`
    : `${rows.length} ${rows.length === 1 ? 'certificate' : 'certificates'}, the most urgent first`;
  byId('more').hidden = found.length <= limit;
  byId('more').textContent = `${shown.length} are shown; show ${Math.min(PAGE, found.length - limit)} more`;
  byId('empty').hidden = found.length > 0;
  byId('empty').textContent = isNarrowed
    ? 'Nothing matches.'
    : 'There are no certificates yet, neither in Kong nor in a source.';
}

function drawAside(reloaders) {
  const now = Date.now();
  const events = reloaders.flatMap((one) => one.events).sort((a, b) => (a.at < b.at ? 1 : -1));
  drawTimeline(events, now);
  byId('events').replaceChildren(
    ...(events.length === 0
      ? [el('li', null, 'Nothing since the start.')]
      : events.map((event) => eventElement(event, now))),
  );
  byId('gateway').hidden = reloaders.length === 0;
  byId('facts').replaceChildren(...factElements(reloaders));
  byId('sources').replaceChildren(
    ...reloaders.flatMap((one) => one.sources).map((source) => sourceElement(source, now)),
  );
}

function toggle(key) {
  if (!open.delete(key)) open.add(key);
  drawList();
}

byId('list').addEventListener('click', (event) => {
  const row = event.target.closest('.row');
  if (row !== null && event.target.closest('.line') !== null) toggle(row.dataset.key);
});
byId('query').addEventListener('input', () => {
  limit = PAGE;
  drawList();
});
byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  document.querySelector('.line')?.focus();
});
byId('more').addEventListener('click', () => {
  limit += PAGE;
  drawList();
});

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = document.activeElement === byId('query');
  if (event.key === '/' && !isTyping) {
    event.preventDefault();
    byId('query').select();
    byId('query').focus();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') move(event);
  else if (event.key === 'Escape') leave(isTyping);
});

function move(event) {
  const lines = [...document.querySelectorAll('.line')];
  const at = lines.indexOf(document.activeElement);
  const isTyping = document.activeElement === byId('query');
  if (at === -1 && !isTyping && document.activeElement !== document.body) return;
  event.preventDefault();
  const next = event.key === 'ArrowDown' ? at + 1 : at - 1;
  if (next < 0) byId('query').focus();
  else lines[Math.min(next, lines.length - 1)]?.focus();
}

function leave(isTyping) {
  if (isTyping) {
    byId('query').value = '';
    byId('query').blur();
  }
  open.clear();
  drawList();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
let chosen = null;
try {
  chosen = localStorage.getItem('theme');
} catch {
  // Not every browser lets a page remember something.
}
setTheme(chosen ?? (dark.matches ? 'dark' : 'light'));
dark.addEventListener('change', () => {
  if (chosen === null) setTheme(dark.matches ? 'dark' : 'light');
});
byId('theme').addEventListener('click', () => {
  chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  setTheme(chosen);
  try {
    localStorage.setItem('theme', chosen);
  } catch {
    // Then it is forgotten.
  }
});

async function watch() {
  if (!document.hidden) await look();
  setTimeout(watch, EVERY_MS);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && Date.now() - seenAt > EVERY_MS) void look();
});
setInterval(pulse, 1_000);
void watch();
