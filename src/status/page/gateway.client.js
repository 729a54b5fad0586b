// What there is to say of an entry as a whole: whether passes are made, who writes, files of Kong's.

const clockOf = (iso) => new Date(iso).toLocaleTimeString();

/** Lines for a person: what it is about, what is to be said, and a tone where something is wrong. */
function gatewayFacts({ mode, interval_seconds: interval, last_pass: pass, ...found }) {
  return [
    ['Polls', ...passText(pass, interval)],
    ...(mode === 'observe' ? [['Who writes', 'nobody: this one only observes']] : []),
    ...(found.leader === undefined ? [] : [['Who writes', ...leaderText(found.leader)]]),
    ...(found.default_certificate === undefined
      ? []
      : [['Without SNI', ...defaultText(found.default_certificate)]]),
    ...(found.declarative_file === undefined
      ? []
      : [['Declarative file', ...fileText(found.declarative_file)]]),
  ];
}

function passText(pass, interval) {
  if (pass === null) return [`every ${interval} s; not yet since the start`];
  const at = clockOf(pass.started_at);
  return pass.error === null
    ? [`every ${interval} s, last at ${at}`]
    : [`failed at ${at}: ${pass.error}`, 'bad'];
}

function leaderText({ is_leader: isLeader, holder, error }) {
  if (isLeader) return error === null ? ['this gateway'] : [`this gateway, for now: ${error}`, 'warn'];
  if (error !== null) return [`not this gateway: ${error}`, 'bad'];
  return holder === null
    ? ['nobody just now: the Lease is free', 'warn']
    : [`another gateway, ${holder}; this one looks on`];
}

function defaultText({ state, detail, files }) {
  if (detail !== '') return [detail, state === 'in_sync' ? undefined : 'warn'];
  if (state !== 'in_sync') return ['not looked at'];
  const ends = files.map((file) => file.served_not_after).filter(Boolean);
  return [
    `clients get what is in Kong's files${ends.length === 0 ? '' : `, until ${dateOf(ends.sort()[0])}`}`,
  ];
}

function fileText({ file, written_at: at, trouble, left }) {
  if (trouble !== null) return [trouble, 'warn'];
  if (left.length > 0)
    return [left.map((one) => `${one.certificate_id} is not in it: ${one.why}`).join('; '), 'warn'];
  return [`${file ?? 'not known'}${at === null ? '' : `, written at ${timeOf(at)}`}`];
}

/** What nobody should miss, in a sentence; empty when there is nothing. */
function alarmOf({ waiting, reloaders }) {
  const known = reloaders.find((one) => !one.is_current && one.known_at !== null);
  const asOf = known === undefined ? '' : ` This is how it was at ${timeOf(known.known_at)}.`;
  if (waiting !== null) return `The plugin waits: ${waiting}${/[.!?]$/.test(waiting) ? '' : '.'}${asOf}`;
  const failed = reloaders.find(({ last_pass: pass }) => pass !== null && pass.error !== null);
  if (failed !== undefined)
    return `Kong's certificates cannot be looked at; what is shown may be out of date: ${failed.last_pass.error}`;
  const mute = reloaders.find(({ leader }) => leader?.is_leader === false && leader.error !== null);
  return mute === undefined ? '' : `This gateway writes nothing: ${mute.leader.error}`;
}
