import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { trustedIssuersOf } from '../../app/compose';
import { checkKeyAndChain, checkShape, warningsOf } from '../../certificates';
import { groupBy } from '../../common/multimap';
import { isRefusal, type Reason, type Refusal, type SourcedBundle } from '../../model';
import { BundleReader } from '../../pass';
import { createSources } from '../../sources';
import { plural } from '../output';
import { adviceOn } from './advice';
import type { Check } from './check';
import type { DoctorContext } from './context';

/** Most bundles that are opened: the doctor samples. */
const MOST = 2_000;
/** Most rows of one kind. */
const MOST_ROWS = 20;

/** Checks what the sources hold, and what the gate says about it. */
export async function checkSources({ configs }: DoctorContext, check: Check): Promise<void> {
  if (configs.length === 0) check.skip('there is no configuration to take them from');
  for (const { config } of configs) {
    const { sources, clusters } = createSources(config);
    const reader = new BundleReader(sources, { trusted: trustedIssuersOf(config) });
    try {
      await scan(reader);
      await checkBundles(reader, check);
    } finally {
      for (const source of sources) source.close?.();
      for (const client of clusters.values()) client.close();
    }
  }
}

/** Scans a second time where a file may still be under way. */
async function scan(reader: BundleReader): Promise<void> {
  await reader.scan(undefined);
  if (!reader.isUnsettled) return;
  const waitMs = Number.isFinite(reader.heldUntil) ? Math.max(0, reader.heldUntil - Date.now()) : 0;
  await sleep(waitMs);
  await reader.scan(undefined);
}

async function checkBundles(reader: BundleReader, check: Check): Promise<void> {
  const { book, sources } = reader;
  const sourceOf = ({ id }: SourcedBundle) => book.sourceOf(id);
  const opened = book.bundles().slice(0, MOST);
  const refused = groupBy([...book.refused()], ([id]) => book.sourceOf(id));
  const bundles = groupBy(opened, sourceOf);
  for (const { id, bundles: total, error, strays = [] } of sources.list()) {
    if (error !== null) check.fail(error.why.message, adviceOn(error.why.reason, error.why.message));
    const bad = (refused.get(id) ?? []).map(([, why]) => why);
    let good = 0;
    for (const bundle of bundles.get(id) ?? []) {
      const why = await verdictOf(reader, bundle);
      if (why === null) good += 1;
      else bad.push(why);
    }
    const rest = total > MOST ? ` (of ${MOST} that were opened)` : '';
    const found = `${id}: ${plural(total, 'bundle')} found, ${good} good${rest}`;
    const folder = /^directory:(.*)$/.exec(id)?.[1];
    if (total === 0 && error === null)
      check.skip(
        folder !== undefined && !existsSync(folder)
          ? `${folder} does not exist (yet); the plugin sees it appear`
          : `${id}: nothing found`,
      );
    else if (bad.length === 0 && error === null) check.ok(found);
    else if (bad.length === 0) check.skip(found);
    for (const [reason, list] of groupBy(bad, (why) => why.reason)) {
      check.warn(
        `${found}, ${list.length} refused (${reason}): ${(list[0] as Refusal).message}`,
        adviceOn(reason, (list[0] as Refusal).message),
      );
    }
    warnOf(
      strays.map(({ message, reason }) => [`${message} (${reason}); it is part of no bundle`, reason]),
      check,
    );
    warnOf((bundles.get(id) ?? []).flatMap(warningRows), check);
  }
}

type Row = [detail: string, reason: Reason];

const warningRows = (bundle: SourcedBundle): Row[] =>
  warningsOf(bundle).map(({ reason, message }) => [`${bundle.location}: ${message}`, reason]);

function warnOf(rows: readonly Row[], check: Check): void {
  for (const [detail, reason] of rows.slice(0, MOST_ROWS)) check.warn(detail, adviceOn(reason, detail));
  const [next] = rows.slice(MOST_ROWS);
  if (next !== undefined)
    check.warn(`${rows.length - MOST_ROWS} more, as ${next[0]}`, adviceOn(next[1], next[0]));
}

/** The gate's refusal of a bundle; null: it passes. */
async function verdictOf(reader: BundleReader, bundle: SourcedBundle): Promise<Refusal | null> {
  const opened = await reader.open(bundle);
  if (isRefusal(opened)) return opened;
  return checkShape(opened.bundle, Date.now()) ?? checkKeyAndChain(opened);
}
