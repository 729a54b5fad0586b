import type { ListReport, NodeFileStatus, RecentEvent, SourceStatus } from '../../../public';
import { byId, el, setText } from './dom';
import { KIND_TONES } from './details';
import { agoText, clockText, dateText, explained, sinceText, timeText, words } from './language';
import { entryName } from './rows';
import type { Tone } from './verdict';

type Reloader = ListReport['reloaders'][number];

/** Draws events, leader and sources. */
export function drawAside({ reloaders }: ListReport): void {
  const now = Date.now();
  const events = reloaders.flatMap((one) => one.events).sort((a, b) => (a.at < b.at ? 1 : -1));
  const [latest] = events;
  setText(
    'latest',
    latest === undefined
      ? words.ui.nothingHappened
      : `${agoText(latest.at, now)}${words.colon}${words.kinds[latest.kind]} ${subjectOf(latest)}`,
  );
  drawTimeline(events, now);
  byId('events').replaceChildren(
    ...(events.length === 0
      ? [el('li', {}, words.ui.nothingHappened)]
      : events.map((event) => eventElement(event, now))),
  );
  byId('gateway').hidden = reloaders.length === 0;
  byId('facts').replaceChildren(...reloaders.flatMap((one) => factElements(one, reloaders.length > 1)));
  const sources = reloaders.flatMap((one) => one.sources);
  byId('sources').replaceChildren(...sources.map(sourceElement));
}

const subjectOf = ({ snis, location }: RecentEvent) =>
  snis.length === 0 ? location : [...snis.slice(0, 3), ...(snis.length > 3 ? ['…'] : [])].join(words.list);

function eventElement(event: RecentEvent, now: number): HTMLElement {
  const { at, kind } = event;
  const why = explained(event.reason, event.detail);
  return el(
    'li',
    { 'data-tone': KIND_TONES[kind] ?? 'idle' },
    el('time', { datetime: at, title: timeText(at) }, agoText(at, now)),
    el('b', {}, words.kinds[kind]),
    ` ${subjectOf(event)}`,
    why === '' ? null : el('p', {}, why),
  );
}

/** Draws the last hundred events on a line from the first of them (at least an hour ago) until now. */
function drawTimeline(events: readonly RecentEvent[], now: number): void {
  const from = Math.min(now - 3_600_000, ...events.map(({ at }) => Date.parse(at)));
  const dots = events.map(({ at, kind, snis }) => {
    const title = `${words.kinds[kind]} ${snis[0] ?? ''}, ${timeText(at)}`;
    const dot = el('i', { 'data-tone': KIND_TONES[kind] ?? 'idle', title });
    dot.style.left = `${((Date.parse(at) - from) / (now - from)) * 100}%`;
    return dot;
  });
  byId('timeline').replaceChildren(
    el('span', {}, agoText(new Date(from).toISOString(), now)),
    el('span', {}, words.time.now),
    ...dots,
  );
}

type Fact = [word: string, text: string, tone?: Tone | undefined];

/** Lines of the box about the gateway; the entry is named where there are several. */
function factElements(reloader: Reloader, isOneOfMany: boolean): HTMLElement[] {
  return [
    ...(isOneOfMany
      ? [el('dt', {}, words.ui.entry), el('dd', { title: reloader.entry }, entryName(reloader.entry))]
      : []),
    ...gatewayFacts(reloader).flatMap(([word, text, tone]) => [
      el('dt', {}, word),
      el('dd', { 'data-tone': tone }, text),
    ]),
  ];
}

function gatewayFacts({ mode, interval_seconds: interval, last_pass: pass, ...found }: Reloader): Fact[] {
  const { say } = words;
  const polls: Fact =
    pass?.error == null
      ? [say.polls, say.every(interval, pass === null ? null : clockText(pass.started_at))]
      : [say.polls, say.failedAt(clockText(pass.started_at), pass.error), 'bad'];
  return [
    polls,
    ...(mode === 'observe' ? [[say.whoWrites, say.nobodyObserves] as Fact] : []),
    ...(found.leader === undefined ? [] : [leaderFact(found.leader)]),
    ...(found.default_certificate === undefined ? [] : [defaultFact(found.default_certificate)]),
    ...(found.node_certificates?.files ?? []).map(nodeFact),
    ...(found.declarative_file === undefined ? [] : [fileFact(found.declarative_file)]),
  ];
}

function leaderFact({ is_leader: isLeader, holder, error }: NonNullable<Reloader['leader']>): Fact {
  const { say } = words;
  if (isLeader)
    return error === null
      ? [say.whoWrites, say.thisGateway]
      : [say.whoWrites, say.thisGatewayFor(error), 'warn'];
  if (error !== null) return [say.whoWrites, say.notThisGateway(error), 'bad'];
  return holder === null ? [say.whoWrites, say.nobody, 'warn'] : [say.whoWrites, say.anotherGateway(holder)];
}

function defaultFact({ state, detail, files }: NonNullable<Reloader['default_certificate']>): Fact {
  const { say } = words;
  if (detail !== '') return [say.withoutSni, detail, state === 'in_sync' ? undefined : 'warn'];
  if (state !== 'in_sync') return [say.withoutSni, say.notLookedAt];
  const [first] = files.flatMap((file) => file.served_not_after ?? []).sort();
  return [say.withoutSni, say.asInFiles(first === undefined ? null : dateText(first))];
}

function nodeFact({
  uses,
  location,
  not_after: inFile,
  served_not_after: served,
  expiry,
}: NodeFileStatus): Fact {
  const { say } = words;
  const until = served ?? inFile;
  const text = `${location}${words.colon}${until === null ? say.cannotRead : say.until(dateText(until))}`;
  const tone =
    expiry === 'expired' || expiry === 'critical' ? 'bad' : expiry === 'ends_soon' ? 'warn' : undefined;
  return [say.kongsOwn(uses.join(words.list)), text, until === null ? 'warn' : tone];
}

function fileFact({ file, written_at: at, trouble, left }: NonNullable<Reloader['declarative_file']>): Fact {
  const { say, ui } = words;
  if (trouble !== null) return [say.declarativeFile, trouble, 'warn'];
  if (left.length > 0)
    return [
      say.declarativeFile,
      left.map((one) => say.notInFile(one.certificate_id, one.why)).join('; '),
      'warn',
    ];
  return [say.declarativeFile, say.writtenAt(file ?? ui.unknown, at === null ? null : timeText(at))];
}

function sourceElement({
  id,
  up,
  bundles,
  error,
  stray_files: strays,
  stray_file_count: count,
}: SourceStatus): HTMLElement {
  const { say } = words;
  return el(
    'li',
    { 'data-tone': up ? null : 'bad' },
    el('small', {}, error === null || up ? say.found(bundles) : say.downFor(sinceText(error.since))),
    el('span', {}, id),
    error === null ? null : el('p', {}, explained(error.reason, error.message)),
    strays === undefined || strays.length === 0
      ? null
      : el(
          'details',
          { class: 'strays' },
          el('summary', {}, say.strays(count ?? strays.length)),
          el(
            'ul',
            {},
            ...strays.map(({ location, reason, message }) =>
              el('li', { title: explained(reason, message) }, location),
            ),
          ),
        ),
  );
}
