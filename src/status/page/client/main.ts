import type { ListReport } from '../../../public';
import { drawAside } from './aside';
import { detailsElement } from './details';
import { byId, el, setText } from './dom';
import { fetchHistory, fetchReport, historyOf, isSlow, newer, report } from './live';
import { ANY, drawChips, drawSelects } from './filters';
import { clockText, spanText, switchLanguage, words } from './language';
import { drawList } from './list';
import { go, hrefOf, readQuery, type Query } from './query';
import { followTheme } from './storage';
import { drawAlarms, drawVerdict, setTitle } from './verdict';

/** Interval of polls while the page is visible. */
const EVERY_MS = 5_000;
/** Delay while somebody types, instead of a request for each letter. */
const TYPING_MS = 200;

let query = readQuery();
/** Why the plugin does not answer, for people; empty: it does. */
let away = '';
let seenAt = 0;

async function look(): Promise<void> {
  try {
    const isNew = await fetchReport(query);
    seenAt = Date.now();
    away = '';
    if (isNew) await fetchHistory(query);
    draw();
  } catch (error) {
    if (newer(error)) return;
    const why = (error as Error).message;
    away =
      report === null
        ? words.say.noAnswer(why)
        : words.say.noAnswerSince(clockText(new Date(seenAt).toISOString()), why);
    draw();
  }
}

function draw(): void {
  drawWords();
  drawAlarms(report, away);
  pulse();
  if (report === null) {
    if (away !== '') {
      setText('worst', away);
      byId('others').replaceChildren();
      byId('verdict').dataset['tone'] = 'bad';
      setTitle(away, 'bad');
    }
    return;
  }
  const { kong, reloaders, version, counts } = report;
  const observes = reloaders.some(({ mode }) => mode === 'observe') ? ` · ${words.say.onlyObserves}` : '';
  setText(
    'kong',
    (kong === null ? words.say.kongAway : words.say.kongAt[kong.mode](kong.admin_url)) + observes,
  );
  setText('version', `ssl-cert-reloader ${version}`);
  drawVerdict(report, counts.next_end, away);
  drawChips(report, query);
  drawSelects(report, query);
  const isOne = query.open !== null;
  byId('all').hidden = isOne;
  byId('one').hidden = !isOne;
  document.body.dataset['view'] = isOne ? 'one' : 'all';
  if (isOne) drawOne(report);
  else drawList(report, query);
  drawAside(report);
}

/** Sets every text that is on the page from the start. */
function drawWords(): void {
  if (document.body.dataset['language'] === words.lang) return;
  document.body.dataset['language'] = words.lang;
  for (const element of document.querySelectorAll<HTMLElement>('[data-word]'))
    element.textContent = words.ui[element.dataset['word'] as keyof typeof words.ui];
  for (const element of document.querySelectorAll<HTMLElement>('[data-label]'))
    element.setAttribute('aria-label', words.ui[element.dataset['label'] as keyof typeof words.ui]);
  (byId('query') as HTMLInputElement).placeholder = words.ui.placeholder;
  setText('language', words.other);
}

function pulse(): void {
  setText('pulse', seenAt === 0 ? '' : words.say.updated(spanText(Date.now() - seenAt)));
}

let shownOne = '';

function drawOne({ opened, reloaders }: ListReport): void {
  const gist = JSON.stringify([words.lang, opened, query, newestHistory(), Math.floor(Date.now() / 60_000)]);
  const box = byId('one');
  if (box.dataset['gist'] === gist) return;
  box.dataset['gist'] = gist;
  box.replaceChildren(
    opened === null
      ? el(
          'p',
          { class: 'empty' },
          words.ui.gone,
          ' ',
          el('a', { href: hrefOf(query, { open: null }) }, words.ui.back),
        )
      : detailsElement(opened, query, reloaders, newestHistory()),
  );
  // Readers who came by a link or the keyboard continue here.
  if (shownOne !== query.open) {
    shownOne = query.open ?? '';
    scrollTo(0, 0);
    document.getElementById('one-title')?.focus({ preventScroll: true });
  }
}

const newestHistory = () => historyOf(query);

addEventListener('hashchange', () => {
  const before = query;
  query = readQuery();
  (byId('query') as HTMLInputElement).value = query.q;
  if (query.open === null) shownOne = '';
  if (before.page !== query.page) scrollTo(0, 0);
  void look();
});

let typing = 0;
byId('query').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    go(query, { q: (byId('query') as HTMLInputElement).value, page: 1, open: null }, false);
  }, TYPING_MS) as unknown as number;
});
byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  document.querySelector<HTMLElement>('.line')?.focus();
});
for (const name of ['source', 'entry'] as const)
  byId(name).addEventListener('change', (event) => {
    const { value } = event.target as HTMLSelectElement;
    go(query, { [name]: value === ANY ? null : value, page: 1 });
  });
byId('sort').addEventListener('change', (event) => {
  go(query, { sort: (event.target as HTMLSelectElement).value as Query['sort'], page: 1 });
});
byId('language').addEventListener('click', () => {
  switchLanguage();
  draw();
});

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = document.activeElement === byId('query');
  if (event.key === '/' && !isTyping && query.open === null) {
    event.preventDefault();
    (byId('query') as HTMLInputElement).select();
    byId('query').focus();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') move(event, isTyping);
  else if (event.key === 'Escape') leave(isTyping);
  else if (event.key === ' ' && (event.target as HTMLElement).getAttribute('role') === 'button') {
    event.preventDefault();
    (event.target as HTMLElement).click();
  }
});

function move(event: KeyboardEvent, isTyping: boolean): void {
  const lines = [...document.querySelectorAll<HTMLElement>('.line')];
  const at = lines.indexOf(document.activeElement as HTMLElement);
  if (query.open !== null || (at === -1 && !isTyping && document.activeElement !== document.body)) return;
  event.preventDefault();
  const next = event.key === 'ArrowDown' ? at + 1 : at - 1;
  if (next < 0) byId('query').focus();
  else lines[Math.min(next, lines.length - 1)]?.focus();
}

function leave(isTyping: boolean): void {
  if (query.open !== null) go(query, { open: null });
  else if (isTyping) {
    byId('query').blur();
    go(query, { q: '', page: 1 }, false);
  }
}

/** On a narrow page the events are above the list, folded. */
const narrow = matchMedia('(width <= 1080px)');
const fold = () => {
  for (const box of document.querySelectorAll<HTMLDetailsElement>('aside > details'))
    box.open = !narrow.matches;
};
narrow.addEventListener('change', fold);
fold();
followTheme(byId('theme'));
(byId('query') as HTMLInputElement).value = query.q;
drawWords();

async function watch(): Promise<void> {
  if (!document.hidden && !isSlow()) await look();
  setTimeout(() => void watch(), EVERY_MS);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && Date.now() - seenAt > EVERY_MS) void look();
});
setInterval(pulse, 1_000);
void watch();
