import type { LeaderStatus, Log } from '../model';

/**
 * A line for each change of who writes, and of what is in the way.
 * @param gained called when this gateway begins to write
 */
export function leadershipLog(log: Log, gained: () => void): (status: LeaderStatus) => void {
  let before: LeaderStatus = { is_leader: false, holder: null, error: null };
  return (status) => {
    const { is_leader: isLeader, holder, error } = status;
    const was = before;
    before = status;
    if (error !== null && error !== was.error) log('error', 'the Lease cannot be had', { error });
    if (isLeader === was.is_leader) return;
    if (isLeader) log('info', 'this gateway writes from now on', { holder });
    else log('warn', 'this gateway writes no more', { holder });
    if (isLeader) gained();
  };
}
