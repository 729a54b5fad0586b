import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Connection, type KongLocation } from '../app/connection';
import { compose, holdsOf, type Composed } from '../app/compose';
import type { Config } from '../app/config';
import type { FailureKind, PassReport, StoredCertificate } from '../model';
import { readKongValues, stateFolder } from '../gateway';
import { DifferenceFile, HomesFile, homesPath } from '../pass';
import { historyPlace, openHistory } from '../app/histories';
import { BODY_SIZE, bodyRoom, whyTooLarge } from './body-size';
import type { NamedConfig } from './configs';
import { tell } from './failure';
import type { Progress } from './progress';

/** Result of one pass, with what Kong stores after it. */
export interface PassResult {
  entry: string;
  report: PassReport;
  certificates: ReadonlyMap<string, StoredCertificate>;
}

/** A pass that could not be made, because of Kong or a configuration. */
export interface FailedPass {
  entry: string;
  error: string;
}

export const isFailed = (result: PassResult | FailedPass): result is FailedPass => 'error' in result;

/** Longer than the time after which a file that is being written counts as broken. */
const SETTLE_MS = 1_100;
/** How long a run repeats passes that met writes of others. */
const RACES_MS = 60_000;
/** How long a run repeats passes while Kong does not answer. */
const AWAY_MS = 10_000;
/** File in Kong's prefix: since when the ingress controller has not taken a renewal. */
const DIFFERENCES = 'ssl-cert-reloader.differences';

/**
 * One pass for each configuration, with the same code as in the plugin. Where one of several fails, the others are
 * made all the same.
 * @param observe change nothing, whatever the configuration says
 * @param isWaiting also wait for changes that are left to the ingress controller
 * @throws Error where the only one fails
 */
export async function makePasses(
  configs: readonly NamedConfig[],
  location: KongLocation,
  observe: boolean,
  progress: Progress,
  isWaiting = false,
): Promise<(PassResult | FailedPass)[]> {
  const results: (PassResult | FailedPass)[] = [];
  for (const { entry, config } of configs) {
    const mode = observe ? 'observe' : config.mode;
    try {
      results.push({
        entry,
        ...(await passOnce({ ...config, mode }, location, { progress, isWaiting, entry })),
      });
    } catch (error) {
      if (configs.length === 1) throw error;
      results.push({ entry, error: (error as Error).message });
    }
  }
  return results;
}

async function passOnce(
  config: Config,
  location: KongLocation,
  { progress, isWaiting, entry }: { progress: Progress; isWaiting: boolean; entry: string },
): Promise<Omit<PassResult, 'entry'>> {
  const kong = await connect(location, config.admin);
  const differences = new DifferenceFile(join(stateFolder(location.prefix), DIFFERENCES));
  const homesFile = new HomesFile(homesPath(stateFolder(location.prefix), entry));
  const { pass, gateway, close } = compose(config, kong, {
    ...{ progress, differences, homesFile, holds: holdsOf(config, kong) },
    patienceMs: Number.POSITIVE_INFINITY,
  });
  // A run that only observes is not recorded.
  const place = config.mode === 'observe' ? null : historyPlace(config, kong);
  try {
    const report = await untilSettled(pass, isWaiting);
    if (gateway.traits.writesWhole && (report.addedChars ?? 0) > 0) await noteSize(kong, report);
    if (place !== null && report.events.length > 0) {
      const history = openHistory(entry, place, { log: (_, message) => tell(`${message}: ${place.path}`) });
      history.pass(report);
      await history.close();
    }
    return { report, certificates: gateway.certificates.stored };
  } finally {
    close();
    kong.client.close();
  }
}

/** Warns where Kong would not accept so much. */
async function noteSize({ client, prefix }: Connection, report: PassReport): Promise<void> {
  let settings;
  try {
    settings = readKongValues(prefix, (name) => name === BODY_SIZE);
  } catch {
    // Kong's default limit is assumed.
  }
  const why = whyTooLarge(await bodyRoom(client, settings), report.addedChars ?? 0);
  if (why !== null) report.notes.push(why);
}

/**
 * Repeats passes as long as another one would change something. Half-written files get a second look before they
 * are reported; a write that met another writer's is repeated.
 * @param isWaiting also wait for changes that are left to the ingress controller
 */
export async function untilSettled(
  pass: Composed['pass'],
  isWaiting: boolean,
  { now, wait } = { now: Date.now, wait: (ms: number): Promise<void> => sleep(ms) },
): Promise<PassReport> {
  const startedAt = now();
  const reports = [await pass('command')];
  for (let races = 0, settlings = 0; ;) {
    const last = reports.at(-1) as PassReport;
    const waitMs = nextTry(last, { races, settlings, isWaiting, now: now(), elapsedMs: now() - startedAt });
    if (waitMs === null) return joined(reports);
    if (isLostRace(last)) races += 1;
    else if (last.unfinished === 'settling') settlings += 1;
    await wait(waitMs);
    reports.push(await pass('retry'));
  }
}

/** Milliseconds until another pass is worthwhile; null: none is. */
function nextTry(
  report: PassReport,
  so: { races: number; settlings: number; elapsedMs: number; isWaiting: boolean; now: number },
): number | null {
  if (isLostRace(report)) {
    // Random, so that two runs that met once do not meet again.
    const mostMs = report.failures.includes('away') ? AWAY_MS : RACES_MS;
    return so.elapsedMs < mostMs ? (50 + 450 * Math.random()) * Math.min(so.races + 1, 8) : null;
  }
  if (report.unfinished === 'settling' && so.settlings === 0) return SETTLE_MS;
  // A bare leaf waits for a chain that may still be written, and a tenant's bundles beyond its share for the next pass.
  const heldMs = (report.nextAt ?? Number.POSITIVE_INFINITY) - so.now;
  const mostSettlings = report.read > 0 ? MOST_READING_SETTLINGS : MOST_SETTLINGS;
  if (report.unfinished === 'settling' && so.settlings < mostSettlings && heldMs < MOST_HELD_MS)
    return Math.max(0, heldMs) + 50;
  // Held changes do not wait for the ingress controller.
  const until = Math.min(
    ...report.waiting.map((change) => (change.hold === undefined ? change.until : Infinity)),
  );
  return so.isWaiting && report.unfinished !== 'failed' && Number.isFinite(until)
    ? Math.max(0, until - so.now) + 50
    : null;
}

const MOST_SETTLINGS = 4;
/** While passes read more: 12,000 bundles of one tenant among others. */
const MOST_READING_SETTLINGS = 60;
const MOST_HELD_MS = 6_000;

/** Whether everything that failed did so because of another writer, or because Kong was busy. */
function isLostRace({ unfinished, failures }: PassReport): boolean {
  const isPassing = (failure: FailureKind) => failure === 'conflict' || failure === 'away';
  return unfinished === 'failed' && failures.length > 0 && failures.every(isPassing);
}

/** Joins the reports of several passes: a change that failed first and succeeded later counts as made. */
function joined(reports: readonly PassReport[]): PassReport {
  const [first, last] = [reports[0], reports.at(-1)] as [PassReport, PassReport];
  const sum = (count: (report: PassReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const events = reports.flatMap((report) => report.events);
  return {
    ...last,
    cause: first.cause,
    startedAt: first.startedAt,
    durationMs: sum(({ durationMs }) => durationMs),
    read: sum(({ read }) => read),
    events: last.unfinished === 'failed' ? events : events.filter(({ outcome }) => outcome.kind !== 'failed'),
    sourceErrors: reports.flatMap((report) => report.sourceErrors),
    notes: [...new Set(reports.flatMap((report) => report.notes))],
  };
}
