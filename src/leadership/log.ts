import type { Leadership, Log } from '../model';

/**
 * Logs each change of the leader, and what is in the way.
 * @param gained called when this gateway begins to write
 */
export function leadershipLog(log: Log, gained: () => void): (status: Leadership) => void {
  let before: Leadership = { isLeader: false, holder: null, error: null };
  return (status) => {
    const { isLeader, holder, error } = status;
    const was = before;
    before = status;
    if (error !== null && error !== was.error) log('error', 'the Lease cannot be acquired', { error });
    if (error === null && was.error !== null) log('info', 'the Lease can be acquired again');
    if (isLeader === was.isLeader) return;
    if (isLeader) log('info', 'this gateway writes from now on', { holder });
    else log('warn', 'this gateway no longer writes', { holder });
    if (isLeader) gained();
  };
}
