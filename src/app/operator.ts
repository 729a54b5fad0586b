import type { History } from '../history';
import { unreachable } from '../model';
import type { OperatorCommand } from '../status';
import type { Reloader } from './reloader';

type Running = ReadonlyMap<string, { reloader: Reloader }>;
type HistoryOf = (entry: string) => History | null;

/**
 * Carries out an operator's command about a name, in every entry.
 * @returns what was done, in a sentence
 * @throws Error where nothing was done, or it cannot be kept
 */
export async function carryOut(
  command: OperatorCommand,
  running: Running,
  historyOf: HistoryOf,
): Promise<string> {
  if (running.size === 0)
    throw new Error('no entry of the plugin is running, so nothing can be pinned, approved or rolled back');
  if (command.verb === 'rollback') return rollBack(command, running, historyOf);
  const done = [...running].map(([entry, { reloader }]) => inEntry(command, reloader, historyOf(entry)));
  const said = done.filter((words) => words !== null);
  if (said.length > 0) {
    for (const { reloader } of running.values()) reloader.request('command');
    return [...new Set(said)].join('; ');
  }
  throw new Error(
    command.verb === 'approve' ? `nothing waits for ${command.name}` : `${command.name} is not pinned`,
  );
}

type Rollback = Extract<OperatorCommand, { verb: 'rollback' }>;

/** The pin comes first: the same pass would renew the name again. Where nothing was put back there is none. */
async function rollBack({ name, until }: Rollback, running: Running, historyOf: HistoryOf): Promise<string> {
  const now = Date.now();
  if (until !== null && until <= now) throw new Error('--until is in the past');
  const all = [...running];
  const pinned = all.map(([, { reloader }]) => reloader.holds.pins(now).find((pin) => pin.name === name));
  let unkept = '';
  for (const [, { reloader }] of all) {
    try {
      reloader.holds.pin({ name, until, since: now, isRollback: true });
    } catch (error) {
      unkept = `; ${(error as Error).message}`;
    }
  }
  try {
    const answers = await Promise.all(all.map(([, { reloader }]) => reloader.rollBack(name)));
    const done = answers.filter((answer) => answer !== null);
    if (done.length === 0) throw new Error(nothingKept(name));
    const end = until === null ? '' : ` until ${new Date(until).toISOString()}`;
    const order = all[0]?.[1].reloader.holds.order('unpin', name) ?? '';
    for (const [index, [entry]] of all.entries()) {
      if (answers[index] === null) continue;
      historyOf(entry)?.note('pinned', { snis: [name], by: 'operator', detail: 'after a rollback' });
    }
    return `${done.join('; ')}; pinned${end}; to resume renewals: ${order}${unkept}`;
  } catch (error) {
    for (const [index, [, { reloader }]] of all.entries()) restorePin(reloader, name, pinned[index]);
    throw error;
  }
}

function restorePin(
  { holds }: Reloader,
  name: string,
  before: ReturnType<Reloader['holds']['pins']>[number] | undefined,
) {
  try {
    if (before === undefined) holds.unpin(name);
    else holds.pin(before);
  } catch {
    // It was said already that the file cannot be written.
  }
}

const nothingKept = (name: string) =>
  `there is no former certificate of ${name} to restore: what was swapped out is kept for 24 hours, and only until ` +
  'the process ends. Put the former pair into its source with allow_downgrade (certbot keeps it in archive), or pin ' +
  'the name and write the pair to Kong';

/** Carries it out in one entry; null: there was nothing to do. */
function inEntry(
  command: Exclude<OperatorCommand, Rollback>,
  { holds, waiting }: Reloader,
  history: History | null,
): string | null {
  const now = Date.now();
  const { name } = command;
  const noted = { snis: [name], by: 'operator' } as const;
  switch (command.verb) {
    case 'pin': {
      const { until } = command;
      if (until !== null && until <= now) throw new Error('--until is in the past');
      const end = until === null ? 'until it is unpinned' : `until ${new Date(until).toISOString()}`;
      history?.note('pinned', { ...noted, detail: end });
      holds.pin({ name, until, since: now });
      return `${name} stays as it is ${end}`;
    }
    case 'unpin':
      if (!holds.unpin(name)) return null;
      history?.note('unpinned', noted);
      return `${name} is no longer pinned; renewals resume`;
    case 'approve': {
      const approved = holds.approve(waiting(), name, now);
      for (const change of approved) {
        const isUpdate = change.kind === 'update';
        const half = isUpdate ? change.half : 'main';
        history?.note('approved', {
          by: 'operator',
          certificate_id: isUpdate ? change.certificate.id : change.id,
          half,
          snis: isUpdate ? change.certificate.snis : change.snis,
          location: change.bundle.location,
          fingerprint_sha256: change.bundle.leaf.fingerprint,
          previous_fingerprint_sha256:
            (isUpdate ? change.certificate[half]?.leaf?.fingerprint : null) ?? null,
          not_after: new Date(change.bundle.leaf.notAfter).toISOString(),
        });
      }
      if (approved.length === 0) return null;
      return `${name} is swapped for ${approved.map(({ bundle }) => bundle.location).join(', ')}`;
    }
    default:
      return unreachable(command);
  }
}
